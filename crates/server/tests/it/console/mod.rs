//! The web console, as a browser meets it.

mod attacks;
mod browser;
mod pages;
mod services;
mod sign_in;
mod templates;
