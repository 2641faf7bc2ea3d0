//! The contract as Rust: generated from the WIT, one world per role, so that a component exports just the roles it has.
#![allow(missing_docs, clippy::all)]

// The types and the log, once; the roles below use them.
wit_bindgen::generate!({
    inline: "package snodo:sdk; world shared { import snodo:connector/types@1.0.0; import snodo:connector/log@1.0.0; }",
    path: "wit/v1",
    world: "snodo:sdk/shared",
    generate_all,
});

pub mod source {
    wit_bindgen::generate!({
        path: "wit/v1",
        world: "source-connector",
        with: {
            "snodo:connector/types@1.0.0": crate::bindings::snodo::connector::types,
            "snodo:connector/log@1.0.0": crate::bindings::snodo::connector::log,
        },
        pub_export_macro: true,
        export_macro_name: "export_source",
        default_bindings_module: "snodo_connector::source",
    });
}

pub mod poll {
    wit_bindgen::generate!({
        path: "wit/v1",
        world: "poll-connector",
        with: {
            "snodo:connector/types@1.0.0": crate::bindings::snodo::connector::types,
            "snodo:connector/log@1.0.0": crate::bindings::snodo::connector::log,
        },
        pub_export_macro: true,
        export_macro_name: "export_poll",
        default_bindings_module: "snodo_connector::poll",
    });
}

pub mod destination {
    wit_bindgen::generate!({
        path: "wit/v1",
        world: "destination-connector",
        with: {
            "snodo:connector/types@1.0.0": crate::bindings::snodo::connector::types,
            "snodo:connector/log@1.0.0": crate::bindings::snodo::connector::log,
        },
        pub_export_macro: true,
        export_macro_name: "export_destination",
        default_bindings_module: "snodo_connector::destination",
    });
}

pub mod transform {
    wit_bindgen::generate!({
        path: "wit/v1",
        world: "transform-connector",
        with: {
            "snodo:connector/types@1.0.0": crate::bindings::snodo::connector::types,
            "snodo:connector/log@1.0.0": crate::bindings::snodo::connector::log,
        },
        pub_export_macro: true,
        export_macro_name: "export_transform",
        default_bindings_module: "snodo_connector::transform",
    });
}
