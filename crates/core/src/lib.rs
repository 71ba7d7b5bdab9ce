//! The rules: what a login may do and when it ends, and how images are named and numbered
