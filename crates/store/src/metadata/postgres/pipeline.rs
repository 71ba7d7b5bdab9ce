//! Statements of a transaction that were sent, and whose answers nobody has read yet.
//!
//! PostgreSQL runs the statements of a connection in their order. So a transaction can send a statement without
//! waiting for earlier answers. If a statement fails, PostgreSQL runs none of the later ones, and a COMMIT
//! rolls back.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};

use futures_util::future::join_all;
use tokio_postgres::Row;

use super::connection::Begun;
use crate::Result;

/// An answer that is on its way.
type Coming<'c> = Pin<Box<dyn Future<Output = Result<Came>> + 'c>>;

/// The answer to a statement that was sent.
pub(super) enum Came {
    /// The transaction has begun.
    Begun(Begun),
    /// The rows of the question with this number.
    Rows(usize, Vec<Row>),
    /// Nobody needs this answer.
    Done,
}

/// The statements without an answer, in their order, and the answers that nobody has read yet.
#[derive(Default)]
pub(super) struct Pipeline<'c> {
    coming: RefCell<Vec<Coming<'c>>>,
    answers: RefCell<Vec<Option<Vec<Row>>>>,
    begun: RefCell<Option<Begun>>,
}

impl<'c> Pipeline<'c> {
    /// Sends a statement. The future sends the statement when it is polled for the first time.
    pub(super) fn send(&self, statement: impl Future<Output = Result<Came>> + 'c) {
        let mut coming: Coming<'c> = Box::pin(statement);
        if let std::task::Poll::Ready(came) = coming.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            coming = Box::pin(std::future::ready(came));
        }
        self.coming.borrow_mut().push(coming);
    }

    /// How many answers are missing.
    pub(super) fn len(&self) -> usize {
        self.coming.borrow().len()
    }

    /// A number for a further question.
    pub(super) fn number(&self) -> usize {
        let mut answers = self.answers.borrow_mut();
        answers.push(None);
        answers.len() - 1
    }

    /// Waits for the answers to all sent statements. The first error counts, because all later errors follow
    /// from it.
    ///
    /// This future has to be polled together with everything that is sent next: the connection stands still
    /// while a large answer is not read.
    pub(super) fn come(&self) -> impl Future<Output = Result<()>> + use<'_, 'c> {
        let coming = join_all(self.coming.take());
        async move { coming.await.into_iter().try_for_each(|came| came.map(|came| self.keep(came))) }
    }

    fn keep(&self, came: Came) {
        match came {
            Came::Begun(begun) => *self.begun.borrow_mut() = Some(begun),
            Came::Rows(number, rows) => self.answers.borrow_mut()[number] = Some(rows),
            Came::Done => {}
        }
    }

    /// Forgets the sent statements. The server still runs them.
    pub(super) fn forget(&self) {
        self.coming.take();
    }

    /// The rows of a question. They can be taken once.
    pub(super) fn rows(&self, number: usize) -> Option<Vec<Row>> {
        self.answers.borrow_mut().get_mut(number).and_then(Option::take)
    }

    /// The server's answer to the beginning of the transaction, if it has arrived.
    pub(super) fn begun<T>(&self, read: impl FnOnce(&Begun) -> T) -> Option<T> {
        self.begun.borrow().as_ref().map(read)
    }
}
