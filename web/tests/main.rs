//! Pages over HTTP: the real router, a real SQLite store, a fake supervisor. One binary, because linking is slow.

mod guard;
mod pages;
mod routes;
mod settings;
mod setup;
mod words;
mod world;
