//! Lays out the files that the binary serves, for `src/server/assets.rs` to embed.
//!
//! `cargo leptos build` makes the browser bundle before it builds the server, and says so by
//! `LEPTOS_OUTPUT_NAME`: then the files are the ones in its site folder. A plain `cargo build`
//! has no bundle: then they are the style sheet and the files of `public`.

#![expect(clippy::disallowed_methods, reason = "cargo speaks to a build script by its environment")]

use std::{env, fs, io, path::Path};

fn main() -> io::Result<()> {
    for path in ["migrations", "style", "public", "build.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-env-changed=LEPTOS_OUTPUT_NAME");
    println!("cargo::rerun-if-env-changed=LEPTOS_SITE_ROOT");
    if env::var_os("CARGO_FEATURE_SSR").is_none() {
        return Ok(());
    }

    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let site = Path::new(&out).join("site");
    if site.exists() {
        fs::remove_dir_all(&site)?;
    }
    let root =
        env::var("LEPTOS_SITE_ROOT").ok().filter(|root| Path::new(root).join("pkg").exists());
    match (env::var_os("LEPTOS_OUTPUT_NAME"), root) {
        (Some(_), Some(root)) => {
            println!("cargo::rerun-if-changed={root}");
            copy(Path::new(&root), &site)?;
        }
        _ => {
            copy(Path::new("public"), &site)?;
            fs::create_dir_all(site.join("pkg"))?;
            fs::copy("style/main.css", site.join("pkg/latchkey.css"))?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        // Type declarations for TypeScript are for nobody here.
        if entry.file_name().to_string_lossy().contains(".d.") {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
