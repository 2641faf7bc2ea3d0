//! The store on one machine as a home: nobody shares it, so that every turn is its own, and it needs nobody.

use async_trait::async_trait;

use crate::home::{Need, Turn};
use crate::{Reader, Store};

/// Nobody else is there to take it.
struct Always;

#[async_trait]
impl Turn for Always {
    async fn lost(&self) {
        std::future::pending::<()>().await;
    }
}

crate::reading!(Reader);

crate::home!(Store {
    fn reading(&self) -> &(dyn Reading + 'static) {
        &**self
    }

    fn needs(&self) -> Vec<Need> {
        Vec::new()
    }

    async fn turn(&self, _name: &str) -> Box<dyn Turn> {
        Box::new(Always)
    }
});
