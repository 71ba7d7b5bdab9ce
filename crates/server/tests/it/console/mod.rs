//! The web console, as a browser uses it.

mod access_keys;
mod attacks;
mod audit;
mod browser;
mod health;
mod html;
mod pages;
mod repositories;
mod roles;
mod services;
mod sign_in;
mod templates;
