//! Runs each clause of a contract on each backend. A clause that is not listed is dead code, which
//! the compiler reports.

/// Lists a module's clauses on metadata: async functions of a `&dyn Metadata`.
macro_rules! metadata_contract {
    ($($clause:ident),* $(,)?) => {
        metadata_contract!(@on sqlite: $($clause),*);
        metadata_contract!(@on recording: $($clause),*);
        metadata_contract!(@on contending: $($clause),*);
        metadata_contract!(@on postgres: $($clause),*);
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

/// Lists a module's clauses on metadata that is closed and opened again: async functions of a
/// `&mut dyn Scratch`.
macro_rules! durability_contract {
    ($($clause:ident),* $(,)?) => {
        durability_contract!(@on sqlite: $($clause),*);
        durability_contract!(@on recording: $($clause),*);
        durability_contract!(@on contending: $($clause),*);
        durability_contract!(@on postgres: $($clause),*);
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

/// Lists a module's clauses on blobs: async functions of a `&dyn BlobStore`.
macro_rules! blob_contract {
    ($($clause:ident),* $(,)?) => {
        blob_contract!(@on folder: $($clause),*);
        blob_contract!(@on memory: $($clause),*);
    };
    (@on $backend:ident: $($clause:ident),*) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $clause() {
                    let scratch = crate::backends::$backend();
                    super::$clause(scratch.blobs()).await;
                }
            )*
        }
    };
}

/// Lists a module's clauses on coordinators: async functions of a `&impl ScratchCoordinator`.
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
