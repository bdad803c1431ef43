//! A table of operations: from an operation's name to a typed method of the service that does it.

use crate::Caller;
use postern_model::{Answer, Document, Operation, Shape};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

/// A call that is under way.
pub type Running<'a> = Pin<Box<dyn Future<Output = Answer<Document>> + Send + 'a>>;

type Handler<S> = Box<dyn for<'a> Fn(&'a S, &'a Caller, &Document) -> Running<'a> + Send + Sync>;

/// The operations of a service `S`.
pub struct Operations<S>(BTreeMap<&'static str, Handler<S>>);

/// An `async fn(&self, &Caller, Input) -> Answer<Output>`.
pub trait Method<'a, S: 'a, I, O>: Copy + Send + Sync + 'static {
    type Running: Future<Output = Answer<O>> + Send + 'a;

    fn start(self, service: &'a S, caller: &'a Caller, input: I) -> Self::Running;
}

impl<'a, S: 'a, I, O, F, R> Method<'a, S, I, O> for F
where
    F: Fn(&'a S, &'a Caller, I) -> R + Copy + Send + Sync + 'static,
    R: Future<Output = Answer<O>> + Send + 'a,
{
    type Running = R;

    fn start(self, service: &'a S, caller: &'a Caller, input: I) -> R {
        self(service, caller, input)
    }
}

impl<S: 'static> Operations<S> {
    pub fn new() -> Self {
        Operations(BTreeMap::new())
    }

    /// Has an operation done by a method; one whose types are not the operation's does not compile.
    #[must_use]
    pub fn on<O: Operation + 'static>(
        mut self,
        _: O,
        method: impl for<'a> Method<'a, S, O::Input, O::Output>,
    ) -> Self {
        let handler: Handler<S> = Box::new(move |service, caller, document| {
            match O::Input::read(document) {
                // The entrance checks documents first; this is a document it should have refused.
                Err(mismatch) => {
                    Box::pin(async move { Err(anyhow::anyhow!("{}: {mismatch:?}", O::NAME).into()) })
                }
                Ok(input) => {
                    let running = method.start(service, caller, input);
                    Box::pin(async move { running.await.map(|output| output.write()) })
                }
            }
        });
        self.0.insert(O::NAME, handler);
        self
    }

    /// Takes over another table's operations.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    /// Starts an operation; nothing when this table has none of that name.
    pub fn call<'a>(
        &self,
        name: &str,
        service: &'a S,
        caller: &'a Caller,
        input: &Document,
    ) -> Option<Running<'a>> {
        Some(self.0.get(name)?(service, caller, input))
    }
}

impl<S: 'static> Default for Operations<S> {
    fn default() -> Self {
        Self::new()
    }
}
