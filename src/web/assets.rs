//! The files inside the binary: styles, scripts, WASM, favicon (assembled by `build.rs`).
//!
//! With the browser bundle, the names of styles, scripts and WASM contain the hash of their
//! content, and each file also exists in brotli and gzip, made at build time. Such a file never
//! changes, so a browser may keep it for ever.

use std::borrow::Cow;

use axum::{
    Extension,
    body::Bytes,
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use leptos_config::LeptosOptions;
use rust_embed::RustEmbed;

use crate::{
    platform::{
        error::{Error, Fault, Refusal},
        settings,
    },
    web::sending::OneCopy,
};

#[derive(RustEmbed)]
#[folder = "$OUT_DIR/site"]
// Nobody here needs type declarations for TypeScript.
#[exclude = "*.ts*"]
struct Site;

/// The paths, on this server, of the files that pages load.
pub struct Assets {
    pub style: String,
    /// The browser bundle: script and WASM. `None`: not built.
    pub bundle: Option<(String, String)>,
    pub options: LeptosOptions,
}

impl Assets {
    /// Finds the current names of the files.
    pub fn find() -> Result<Self, Fault> {
        let options = settings::site().map_err(Fault::internal)?;
        let path = |extension: &str| {
            let folder = format!("{}/{}", options.site_pkg_dir, options.output_name);
            Site::iter()
                .find(|name| name.starts_with(&folder) && name.ends_with(extension))
                .map(|name| format!("/{name}"))
        };
        let style = path(".css").ok_or_else(|| Fault::internal("the style sheet is missing"))?;
        Ok(Self { style, bundle: path(".js").zip(path(".wasm")), options })
    }
}

/// `GET /pkg/{file}`, and the files of `public`.
pub(crate) async fn serve(path: MatchedPath, request: Request) -> Result<Response, Error> {
    let name = request.uri().path().trim_start_matches('/');
    // `latchkey.HASH.css`, and not `latchkey.css`, which `cargo leptos watch` makes.
    let hashed = path.as_str().starts_with("/pkg/") && name.matches('.').count() == 2;
    let (encoding, file) = best(name, request.headers()).ok_or(Refusal::NotFound)?;
    let mime = mime_guess::from_path(name).first_or_octet_stream();
    let content_type = if mime.type_() == mime_guess::mime::TEXT || name.ends_with(".svg") {
        format!("{mime}; charset=utf-8")
    } else {
        mime.to_string()
    };
    let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(file.metadata.sha256_hash()));
    let cache = if hashed {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=0, must-revalidate"
    };

    let mut headers = HeaderMap::new();
    let mut put = |name, value: &str| {
        HeaderValue::try_from(value)
            .map(|value| headers.insert(name, value))
            .map_err(Fault::internal)
    };
    put(header::CONTENT_TYPE, &content_type)?;
    put(header::CACHE_CONTROL, cache)?;
    put(header::VARY, "accept-encoding")?;
    put(header::ETAG, &etag)?;
    if let Some(encoding) = encoding {
        put(header::CONTENT_ENCODING, encoding)?;
    }
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    if known
        .is_some_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag))
    {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let bytes = match file.data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        // A debug build reads its files at run time.
        Cow::Owned(bytes) => bytes.into(),
    };
    Ok((Extension(OneCopy), headers, bytes).into_response())
}

/// The smallest encoding of the file that the client accepts.
fn best(
    name: &str,
    headers: &HeaderMap,
) -> Option<(Option<&'static str>, rust_embed::EmbeddedFile)> {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or("");
    let accepts = |encoding: &str| {
        accepted.split(',').any(|part| {
            let mut part = part.split(';').map(str::trim);
            part.next() == Some(encoding)
                && !part.any(|q| ["q=0", "q=0.0", "q=0.00", "q=0.000"].contains(&q))
        })
    };
    let compressed =
        [("br", ".br"), ("gzip", ".gz")].into_iter().find_map(|(encoding, extension)| {
            let file =
                accepts(encoding).then(|| Site::get(&format!("{name}{extension}"))).flatten()?;
            Some((Some(encoding), file))
        });
    compressed.or_else(|| Some((None, Site::get(name)?)))
}
