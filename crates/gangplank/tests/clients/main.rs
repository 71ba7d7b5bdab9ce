//! The program with the clients that people have.

fn main() {}
