//! Measures the endpoint's speed, and tests nothing: it routes visitors to a node of your choice
//! (docs/book/src/reference/performance.md).

use super::*;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "runs until it is stopped; GANGPLANK_NODE says where the node is"]
async fn serves_a_node_of_your_choice() {
    let node: SocketAddr = std::env::var("GANGPLANK_NODE").unwrap().parse().unwrap();
    let listen: SocketAddr = std::env::var("GANGPLANK_LISTEN").unwrap().parse().unwrap();
    let site = Site::with(|config| config.deployments.endpoint_listen = Some(listen)).await;
    site.server.app.routes.set(
        WEB,
        vec!["127.0.0.1".to_owned()],
        Route::Nodes(Nodes { is_tls: false, all: vec![Arc::new(Node::new(node))], tenure: None }),
    );
    std::future::pending::<()>().await;
}
