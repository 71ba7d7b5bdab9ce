//! Runs each clause of a contract on each backend. The compiler reports a clause that is not listed as dead
//! code.

/// Lists the clauses of a module on metadata: async functions of a `&dyn Metadata`.
macro_rules! metadata_contract {
    ($($clause:ident),* $(,)?) => {
        metadata_contract!(@on sqlite: $($clause),*);
        metadata_contract!(@on recording: $($clause),*);
        metadata_contract!(@on contending: $($clause),*);
        metadata_contract!(@on postgres: $($clause),*);
        metadata_contract!(@on postgres_18: $($clause),*);
    };
    (@on $backend:ident: $($clause:ident),*) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $clause() {
                    if let Some(scratch) = crate::backends::$backend() {
                        super::$clause(crate::backends::Scratch::metadata(&scratch)).await;
                    }
                }
            )*
        }
    };
}

/// Lists the clauses of a module on metadata that is reopened: async functions of a `&mut dyn Scratch`.
macro_rules! durability_contract {
    ($($clause:ident),* $(,)?) => {
        durability_contract!(@on sqlite: $($clause),*);
        durability_contract!(@on recording: $($clause),*);
        durability_contract!(@on contending: $($clause),*);
        durability_contract!(@on postgres: $($clause),*);
        durability_contract!(@on postgres_18: $($clause),*);
    };
    (@on $backend:ident: $($clause:ident),*) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $clause() {
                    if let Some(mut scratch) = crate::backends::$backend() {
                        super::$clause(&mut scratch).await;
                    }
                }
            )*
        }
    };
}

/// Lists the clauses of a module on blobs: async functions of a `&dyn BlobStore`. Clauses after `;` also get
/// the size of a part.
macro_rules! blob_contract {
    ($($clause:ident),* $(; $($in_parts:ident),*)? $(,)?) => {
        blob_contract!(@on folder: $($clause),*; $($($in_parts),*)?);
        blob_contract!(@on memory: $($clause),*; $($($in_parts),*)?);
        blob_contract!(@on versitygw: $($clause),*; $($($in_parts),*)?);
        blob_contract!(@on seaweedfs: $($clause),*; $($($in_parts),*)?);
    };
    (@on $backend:ident: $($clause:ident),*; $($in_parts:ident),*) => {
        mod $backend {
            use crate::backends::ScratchBlobs as _;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $clause() {
                    let Some(scratch) = crate::backends::$backend() else { return };
                    super::$clause(scratch.blobs()).await;
                }
            )*
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $in_parts() {
                    let Some(scratch) = crate::backends::$backend() else { return };
                    super::$in_parts(scratch.blobs(), scratch.part()).await;
                }
            )*
        }
    };
}

/// Lists the clauses of a module on coordinators: async functions of a `&impl ScratchCoordinator`.
macro_rules! coordinator_contract {
    ($($clause:ident),* $(,)?) => {
        coordinator_contract!(@on in_process: $($clause),*);
        mod rows {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $clause() {
                    if let Some(scratch) = crate::backends::postgres() {
                        super::$clause(&scratch).await;
                    }
                }
            )*
        }
    };
    (@on $backend:ident: $($clause:ident),*) => {
        mod $backend {
            $(
                #[tokio::test(start_paused = true)]
                async fn $clause() {
                    super::$clause(&crate::backends::$backend()).await;
                }
            )*
        }
    };
}
