//! The web console, as a browser meets it.

mod access_keys;
mod attacks;
mod browser;
mod html;
mod pages;
mod repositories;
mod roles;
mod services;
mod sign_in;
mod templates;
