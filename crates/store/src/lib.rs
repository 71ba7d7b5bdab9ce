//! What is kept: metadata and blobs, each behind a contract
