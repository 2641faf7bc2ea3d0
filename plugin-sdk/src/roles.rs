//! One trait per role. A connector implements those it plays, and names them to `export!`.

use crate::{Context, Delivery, Draft, Event, Exchange, Fault, Message, Plan, Reply, Step};

/// Foreign messages in, events out.
pub trait Source {
    /// What one message says. A fault keeps the whole message in quarantine; its neighbours are not touched.
    fn decode(ctx: &Context, message: Message) -> Result<Vec<Draft>, Fault>;
}

/// A source that must be asked.
pub trait Poll {
    /// Without a reply: what to ask. With one: what it says, or what else to ask before that can be said.
    fn next(ctx: &Context, cursor: Option<Vec<u8>>, reply: Option<Reply>) -> Result<Step, Fault>;
}

/// Events in, requests out; answers in, outcomes out.
pub trait Destination {
    /// Plans the whole batch: every delivery covered by exactly one call, or settled at once.
    fn encode(ctx: &Context, deliveries: Vec<Delivery>) -> Plan;

    /// What an answer means for the deliveries its call covered. Places count within the exchange.
    fn interpret(ctx: &Context, exchange: Exchange) -> Plan;
}

/// Events in, events out.
pub trait Transform {
    /// Zero, one or more events in the place of one.
    fn apply(ctx: &Context, event: Event) -> Result<Vec<Draft>, Fault>;
}

/// Makes a type a component: `export!(Shopify: source)`, or several roles: `export!(Hubspot: source, destination)`.
#[macro_export]
macro_rules! export {
    ($connector:ty: $($role:ident),+ $(,)?) => {
        // Only a component has these exports: a native linker refuses their names.
        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Exported;
            $($crate::export!(@$role $connector);)+
        };
    };
    (@source $connector:ty) => {
        impl $crate::source::exports::snodo::connector::source::Guest for Exported {
            fn decode(
                ctx: $crate::Context,
                messages: Vec<$crate::Message>,
            ) -> Vec<Result<Vec<$crate::Draft>, $crate::Fault>> {
                $crate::tell_where_it_panics();
                messages
                    .into_iter()
                    .map(|message| <$connector as $crate::Source>::decode(&ctx, message))
                    .collect()
            }
        }
        $crate::source::export_source!(Exported with_types_in $crate::source);
    };
    (@poll $connector:ty) => {
        impl $crate::poll::exports::snodo::connector::poll::Guest for Exported {
            fn next(
                ctx: $crate::Context,
                cursor: Option<Vec<u8>>,
                reply: Option<$crate::Reply>,
            ) -> Result<$crate::Step, $crate::Fault> {
                $crate::tell_where_it_panics();
                <$connector as $crate::Poll>::next(&ctx, cursor, reply)
            }
        }
        $crate::poll::export_poll!(Exported with_types_in $crate::poll);
    };
    (@destination $connector:ty) => {
        impl $crate::destination::exports::snodo::connector::destination::Guest for Exported {
            fn encode(ctx: $crate::Context, deliveries: Vec<$crate::Delivery>) -> $crate::Plan {
                $crate::tell_where_it_panics();
                <$connector as $crate::Destination>::encode(&ctx, deliveries)
            }
            fn interpret(ctx: $crate::Context, exchanges: Vec<$crate::Exchange>) -> Vec<$crate::Plan> {
                $crate::tell_where_it_panics();
                exchanges
                    .into_iter()
                    .map(|exchange| <$connector as $crate::Destination>::interpret(&ctx, exchange))
                    .collect()
            }
        }
        $crate::destination::export_destination!(Exported with_types_in $crate::destination);
    };
    (@transform $connector:ty) => {
        impl $crate::transform::exports::snodo::connector::transform::Guest for Exported {
            fn apply(
                ctx: $crate::Context,
                events: Vec<$crate::Event>,
            ) -> Vec<Result<Vec<$crate::Draft>, $crate::Fault>> {
                $crate::tell_where_it_panics();
                events
                    .into_iter()
                    .map(|event| <$connector as $crate::Transform>::apply(&ctx, event))
                    .collect()
            }
        }
        $crate::transform::export_transform!(Exported with_types_in $crate::transform);
    };
}
