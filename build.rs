//! Collects the files that the binary serves, for `src/server/assets.rs` to embed.
//!
//! `cargo leptos build` builds the browser bundle before the server, and sets `LEPTOS_SITE_ROOT`:
//! then the files are those in that folder. A plain `cargo build` has no bundle: then they are the
//! style sheet and the files of `public`.

#![expect(clippy::disallowed_methods, reason = "cargo speaks to a build script by its environment")]

use std::{env, fs, io, os::unix::fs::symlink, path::Path};

fn main() -> io::Result<()> {
    for path in ["migrations", "style", "public", "build.rs"] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-env-changed=LEPTOS_SITE_ROOT");
    if env::var_os("CARGO_FEATURE_SSR").is_none() {
        return Ok(());
    }

    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let site = Path::new(&out).join("site");
    match fs::symlink_metadata(&site) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&site)?,
        Ok(_) => fs::remove_file(&site)?,
        Err(_) => {}
    }
    match env::var_os("LEPTOS_SITE_ROOT") {
        // A link, so that a debug build, which reads its files at run time, gets the newest:
        // `cargo leptos watch` builds the bundle in parallel with the server, not before it.
        Some(root) => {
            let root = env::current_dir()?.join(root);
            fs::create_dir_all(&root)?;
            if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
                println!("cargo::rerun-if-changed={}", root.display());
            }
            symlink(root, &site)?;
        }
        None => {
            copy(Path::new("public"), &site)?;
            fs::create_dir_all(site.join("pkg"))?;
            fs::write(site.join("pkg/latchkey.css"), style_sheet()?)?;
        }
    }
    Ok(())
}

/// `main.css` with the files it imports, as cargo-leptos bundles them.
fn style_sheet() -> io::Result<String> {
    let main = fs::read_to_string("style/main.css")?;
    let imports =
        main.lines().filter_map(|line| line.strip_prefix("@import \"")?.split('"').next());
    imports.map(|name| fs::read_to_string(Path::new("style").join(name))).collect()
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
