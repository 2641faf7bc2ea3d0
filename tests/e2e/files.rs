//! Files in and out: an XML document of any size is taken apart, and what it tells comes out as documents again.

use crate::brokers::until;
use crate::company::Company;

const ORDERS: usize = 1_201;

const RECEIVES: &str = r#"connector = "xml"
[receive]
transport = "file"
folder = "inbox"
settle = "100ms"
split = { by = "xml-element" }
[[config.rules]]
each = "/Orders/Order"
type = "commerce.order.placed"
key = "{/@no}"
[config.rules.fields]
"/order/id" = { from = "/@no", required = true }
"/order/note" = "/Note"
"#;

const SENDS: &str = r#"connector = "xml"
[send]
transport = "file"
folder = "outbox"
rotate_bytes = 20000
[config]
file = "orders.xml"
root = "Orders"
element = "Order"
fields = [{ name = "@no", from = "/data/order/id" }, { name = "Note", from = "/data/order/note" }]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_xml_document_is_taken_apart_and_comes_out_as_documents() {
    let company = Company::new();
    company.channel("erp", RECEIVES);
    company.channel("warehouse", SENDS);
    company.route("all", "erp", "warehouse", "");
    let orders: String = (0..ORDERS)
        .map(|number| format!("<o:Order no=\"{number}\"><o:Note>a &lt; b\n{number}</o:Note></o:Order>\n"))
        .collect();
    company.write("inbox/orders.xml", &format!("<o:Orders xmlns:o=\"urn:x\">{orders}</o:Orders>"));
    let hub = company.start();
    until("all orders", || company.balance()["fates"]["delivered"] == ORDERS).await;
    hub.stop();

    let (mut elements, mut documents) = (0, 0);
    for entry in std::fs::read_dir(company.path("outbox")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Orders>\n"),
            "{}",
            path.display()
        );
        // The one that is being written to has no end yet.
        let is_open = path.ends_with("orders.xml");
        assert_eq!(text.ends_with("</Orders>\n"), !is_open, "{}", path.display());
        documents += usize::from(!is_open);
        elements += text.lines().filter(|line| line.starts_with("<Order no=")).count();
        assert!(!text.contains("<Note>a <"), "{}", path.display());
    }
    assert_eq!(elements, ORDERS);
    assert!(documents > 1, "only {documents} documents were closed");
}
