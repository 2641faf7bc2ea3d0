//! The declarations: which connector is where, and what goes into the books.

use super::Ends;
use crate::sql;

pub fn declare(ends: &Ends) {
    devices(ends);
    orders(ends);
    tables(ends);
    mail(ends);
    files(ends);
    scene(ends);
}

fn devices(ends: &Ends) {
    let (own, broker) = (&ends.own, ends.mqtt.address);
    ends.company.channel(
        "devices",
        &format!(
            r#"connector = "iot"
[receive]
transport = "mqtt"
url = "mqtt://{broker}"
topics = ["{own}/shops/#"]
client_id = "{own}"
session = "2 minutes"
[config]
topics = ["{own}/shops/{{store}}/cold/{{device}}/state"]
thresholds = [{{ measure = "temperature", above = 8 }}]
"#
        ),
    );
    ends.company.channel(
        "displays",
        &format!(
            r#"connector = "iot"
[send]
transport = "mqtt"
url = "mqtt://{broker}"
topics = ["{own}/display/+"]
client_id = "{own}-out"
[config.command]
topic = "{own}/display/{{/data/device/id}}"
payload = [{{ name = "text", value = "Close the door" }}, {{ name = "degrees", from = "/data/telemetry/value" }}]
"#
        ),
    );
    ends.company.route("warnings", "devices", "displays", "events = [\"iot.threshold.crossed\"]\n");
    booked(ends, "devices");
}

fn orders(ends: &Ends) {
    ends.company.write("password", "guest\n");
    let (own, broker) = (&ends.own, ends.amqp.address);
    ends.company.channel(
        "orders",
        &format!(
            r#"connector = "json"
[receive]
transport = "amqp"
url = "amqp://{broker}"
queue = "{own}-in"
user = "guest"
password = {{ file = "password" }}

[[config.rules]]
when = [{{ at = "header:x-shop-event", equals = "ORDER_NEW" }}]
type = "commerce.order.placed"
key = "order/{{/orderNo}}"
time = {{ from = "/created", as = "local-time", format = "D.M.YYYY hh:mm", offset = "+01:00" }}
subject = "order/{{/orderNo}}"
identifiers = [{{ namespace = "email", from = "/buyer/mail", as = "email" }}]
[config.rules.fields]
"/order/id" = {{ from = "/orderNo", required = true }}
"/order/total" = {{ from = "/sum", as = "money", currency = ["/cur", "EUR"] }}
"/customer/traits/name" = "/buyer/name"
"#
        ),
    );
    booked(ends, "orders");
}

fn tables(ends: &Ends) {
    let (database, customers, books) =
        (sql::database(ends.database.address), &ends.customers.name, &ends.books.name);
    ends.company.channel(
        "customers",
        &format!(
            r#"connector = "json"
[receive]
transport = "sql"
{database}query = "SELECT * FROM {customers}"
cursor = ["id"]
name = "customer"
every = "100 ms"

[[config.rules]]
when = [{{ topic = "customer" }}]
type = "crm.contact.updated"
key = "{{/id}}"
time = {{ from = "/changed", as = "time" }}
identifiers = [
    {{ namespace = "crm:contact", from = "/id", kind = "person" }},
    {{ namespace = "email", from = "/email", as = "email" }},
]
[config.rules.fields]
"/customer/traits/name" = "/name"
"/customer/traits/total_spent" = {{ from = "/spent", as = "money", currency = "EUR" }}
"#
        ),
    );
    ends.company.channel(
        "books",
        &format!(
            r#"connector = "postgresql"
[send]
transport = "sql"
{database}tables = ["public.{books}"]
[config]
table = "{books}"
"#
        ),
    );
    booked(ends, "customers");
}

fn mail(ends: &Ends) {
    ends.company.channel(
        "mailbox",
        "connector = \"mail\"\n[receive]\ntransport = \"mail\"\nrecipients = [\"help@shop.example\"]\n",
    );
    let send = format!(
        r#"connector = "mail"
[send]
transport = "mail"
server = "{}"
tls = "none"
from = {{ address = "orders@shop.example", name = "The shop" }}
recipients = ["*@example.com"]
"#,
        ends.mail.address
    );
    let config = r#"
[config.templates."commerce.order.placed"]
subject = "Your order {{/order/id}}"
text = "Dear {{/customer/traits/name}}, your order of {{/order/total}} is on its way."
"#;
    ends.company.channel("letters", &(send + config));
    ends.company.route("confirmations", "orders", "letters", "");
    booked(ends, "mailbox");
}

fn files(ends: &Ends) {
    ends.company.channel(
        "contacts",
        r#"connector = "csv"
[receive]
transport = "file"
folder = "inbox/contacts"
pattern = "*.csv"
settle = "100 ms"
split = { by = "csv-row", delimiter = "semicolon" }
[config]
delimiter = ";"
decimal_comma = true

[[config.rules]]
type = "crm.contact.created"
key = "{/Nr}"
time = { from = "/Stand", as = "local-time", format = "DD.MM.YYYY hh:mm:ss", offset = "+01:00" }
identifiers = [{ namespace = "crm:customer", from = "/Nr", kind = "person", required = true }]
[config.rules.fields]
"/customer/traits/name" = "/Name"
"/customer/traits/total_spent" = { from = "/Umsatz", as = "money", currency = "EUR" }
"#,
    );
    ends.company.channel(
        "export",
        r#"connector = "csv"
[send]
transport = "file"
folder = "outbox"
[config]
file = "contacts.csv"
columns = [
    { name = "Number", from = "/data/customer/identifiers/0/value" },
    { name = "Name", from = "/data/customer/traits/name" },
    { name = "Spent", from = "/data/customer/traits/total_spent/amount" },
]
"#,
    );
    ends.company.channel(
        "households",
        r#"connector = "third-party"
[receive]
transport = "file"
folder = "inbox/households"
pattern = "*.csv"
settle = "100 ms"
split = { by = "csv-row", delimiter = "comma" }
[config]
provider = "Acme Data"
licence = "Contract 2025/17"
legal_basis = "legitimate_interest"
time_column = "As of"
[config.identifiers]
"E-mail" = "email"
[config.attributes]
"Household size" = "household_size"
Postcode = "postcode"
"#,
    );
    for from in ["contacts", "customers"] {
        ends.company.route(&format!("{from}-exported"), from, "export", "");
    }
    booked(ends, "contacts");
    booked(ends, "households");
}

fn scene(ends: &Ends) {
    ends.company.write("write-key", "wk-7\n");
    ends.company.channel(
        "showroom",
        r#"connector = "xr-session"
[receive]
transport = "websocket"
verify.key = { file = "write-key" }
origins = ["https://lume.example"]
"#,
    );
    booked(ends, "showroom");
}

/// All that comes from there goes into the books.
fn booked(ends: &Ends, from: &str) {
    ends.company.route(&format!("{from}-booked"), from, "books", "");
}
