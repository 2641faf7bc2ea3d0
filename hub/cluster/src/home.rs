//! The home that several nodes share, by the calls that the hub knows.

use async_trait::async_trait;
use snodo_store::home::{self, Need};

use crate::condition::{Condition, Standing};
use crate::{Cluster, Reader, Turn};

#[async_trait]
impl home::Turn for Turn {
    async fn lost(&self) {
        Self::lost(self).await;
    }
}

snodo_store::reading!(Reader);

snodo_store::home!(Cluster {
    fn reading(&self) -> &(dyn Reading + 'static) {
        &**self
    }

    fn needs(&self) -> Vec<Need> {
        let Condition { broker, database } = self.condition();
        let there = |standing| match standing {
            Standing::Up { .. } => Ok(()),
            Standing::Down { reason, .. } => Err(reason),
        };
        vec![
            Need { name: "broker", there: there(broker), to_accept: true },
            Need { name: "database", there: there(database), to_accept: false },
        ]
    }

    async fn turn(&self, name: &str) -> Box<dyn home::Turn> {
        Box::new(Self::turn(self, name).await)
    }
});
