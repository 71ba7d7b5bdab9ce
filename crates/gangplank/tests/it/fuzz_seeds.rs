//! The seeds of the fuzz targets and their earlier findings, without the fuzzer.

#[path = "../../../../fuzz/parsers.rs"]
mod parsers;

use std::path::Path;

#[test]
fn every_seed_is_read_as_its_parser_promises() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    for (name, target) in parsers::ALL {
        let mut read = 0;
        for seed in seeds.join(name).read_dir().unwrap_or_else(|error| panic!("seeds of {name}: {error}")) {
            target(&std::fs::read(seed.unwrap().path()).unwrap());
            read += 1;
        }
        assert!(read > 2, "{name} has few seeds");
        // Inputs that no parser may fail on.
        for odd in [&b""[..], b"\0", b"\xff\xfe", &[0xff; 64]] {
            target(odd);
        }
        for byte in [b'[', b'a', b' '] {
            target(&vec![byte; 100_000]);
        }
    }
}
