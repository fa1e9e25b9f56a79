//! Puts htmx and its SSE extension where the assets embed them. It must not know what pages do with them.
//!
//! They come from the npm lockfile beside this file. Where neither `node_modules` nor npm is there, the crate
//! still builds: every page works as plain links and forms, only live updates are gone.

use std::{env, fs, path::Path, process::Command};

const LIBRARIES: [(&str, &str); 2] = [
    ("htmx.js", "node_modules/htmx.org/dist/htmx.min.js"),
    ("sse.js", "node_modules/htmx-ext-sse/dist/sse.min.js"),
];

fn main() {
    for path in ["build.rs", "package.json", "package-lock.json", "static", "locales", "templates"] {
        println!("cargo:rerun-if-changed={path}");
    }
    if LIBRARIES.iter().any(|(_, from)| !Path::new(from).exists()) {
        install();
    }
    let out = env::var("OUT_DIR").unwrap_or_default();
    for (name, from) in LIBRARIES {
        println!("cargo:rerun-if-changed={from}");
        let text = fs::read(from).unwrap_or_else(|_| {
            println!("cargo:warning={from} is absent: pages will not update by themselves, reloading still works. Install npm and build again.");
            Vec::new()
        });
        if let Err(error) = fs::write(Path::new(&out).join(name), text) {
            println!("cargo:warning=cannot write {name}: {error}");
        }
    }
}

/// Asks npm for exactly what the lockfile names. A failure is told by the missing file afterwards.
fn install() {
    let done = Command::new("npm").args(["ci", "--ignore-scripts", "--omit=dev"]).output();
    match done {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr).replace('\n', " ");
            println!("cargo:warning=npm ci failed: {text}");
        }
        Err(error) => println!("cargo:warning=npm cannot be started: {error}"),
    }
}
