//! A large blob, pulled.

use std::io::{Read as _, Write as _};
use std::time::Instant;

use anyhow::{Result, ensure};

use super::{Scale, open_session, repository};
use crate::content::RandomFile;
use crate::http::{Blocking, expect, with_digest};
use crate::meter::{Meter, Outcome};
use crate::target::Target;

pub(super) fn pull(target: &Target, _: &Scale, file: &RandomFile) -> Result<Option<Outcome>> {
    let repository = repository("pull")?;
    let digest = file.digest()?;
    let mut connection = Blocking::open(target)?;
    let location = open_session(target, &mut connection, &repository)?;
    let length = format!("Content-Length: {}\r\n", file.size);
    connection.stream.write_all(&target.head("PUT", &with_digest(&location, digest), &length))?;
    connection.stream.send_file((&file.open()?).take(file.size))?;
    expect(&connection.answer(false)?, 201, "PUT")?;
    file.warm_memory()?;
    let request = target.head("GET", &format!("/v2/{repository}/blobs/{digest}"), "");
    let meter = Meter::start(target);
    let start = Instant::now();
    connection.stream.write_all(&request)?;
    let (status, length) = connection.drain()?;
    let outcome = meter.stop(vec![start.elapsed()], length);
    ensure!(status == 200 && length == file.size, "the pull was answered {status} with {length} bytes");
    Ok(Some(outcome))
}
