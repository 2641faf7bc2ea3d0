//! Mail at either end of the line: a real mail server takes what the hub sends, and the libraries that senders use bring mail to
//! the hub.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::company::{Company, balanced, get};
use crate::doors::{node, python, python_command};
use crate::line::{order, placed};
use crate::receiver::Receiver;
use crate::services::certificate;
use crate::sql::{attempts, install, tried, until};
use crate::wire::Wire;

/// A mail server of the test's own (`aiosmtpd`). Stopped when dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    taken: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    pub fn start(options: &Value) -> Self {
        let mut command = python_command("mail_server.py", &[&options.to_string()]);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port: u16 = lines.next().expect("it says its port").unwrap().parse().unwrap();
        let taken: Arc<Mutex<Vec<Value>>> = Arc::default();
        let kept = Arc::clone(&taken);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                kept.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, address: (Ipv4Addr::LOCALHOST, port).into(), taken }
    }

    pub fn taken(&self) -> Vec<Value> {
        self.taken.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Orders over http become mails to their customers, by that server.
fn sends(send: &str) -> Company {
    let company = Company::new();
    install(&company, "mail");
    company.canonical_in("shop");
    company.channel(
        "post",
        &format!(
            "connector = \"clerk\"\n[send]\ntransport = \"mail\"\ntimeout = \"5 seconds\"\n{send}\
             from = {{ address = \"orders@shop.example\", name = \"Müller & Söhne\" }}\n"
        ),
    );
    company.route("orders", "shop", "post", "");
    company
}

pub fn header<'a>(mail: &'a Value, name: &str) -> Vec<&'a str> {
    let content = mail["content"].as_str().unwrap();
    let head = content.split("\r\n\r\n").next().unwrap();
    head.split("\r\n").filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn events_become_mails_and_refusals_are_told_without_addresses() {
    let refuse = json!({"gone@example.com": "550 5.1.1 gone@example.com is gone", "full@example.com": "452 4.2.2 full"});
    let server =
        tokio::task::spawn_blocking(move || Server::start(&json!({ "refuse": refuse }))).await.unwrap();
    let company = sends(&format!(
        "server = \"{}\"\ntls = \"none\"\nrecipients = [\"*@example.com\"]\n",
        server.address
    ));
    let hub = company.start();
    placed(&company, (1..=5).map(|id| order(id, &format!("c{id}@example.com")))).await;
    placed(
        &company,
        [order(6, "gone@example.com"), order(7, "full@example.com"), order(8, "x@other.example")],
    )
    .await;
    tried(&company, "permanent", "refuses recipient 1 of 1 for good (SMTP 550)").await;
    tried(&company, "retry", "does not take recipient 1 of 1 now (SMTP 452)").await;
    tried(&company, "misconfigured", "is not among the channel's recipients").await;
    until("five mails", async || company.balance()["fates"]["delivered"] == 5).await;
    balanced(&company.balance());

    let mails = server.taken();
    assert_eq!(mails.len(), 5);
    for mail in &mails {
        let content = mail["content"].as_str().unwrap();
        assert!(content.is_ascii() && content.contains("multipart/alternative"), "{content}");
        let id = header(mail, "X-Order")[0];
        assert_eq!(
            (&mail["from"], &mail["to"]),
            (&json!("orders@shop.example"), &json!([format!("c{id}@example.com")]))
        );
        assert_eq!(header(mail, "To"), [format!("Rosa <c{id}@example.com>")]);
        assert!(header(mail, "Message-ID")[0].ends_with("@shop.example>"), "{content}");
        assert_eq!(header(mail, "List-Unsubscribe"), ["<https://shop.example/u>"]);
        assert_eq!(header(mail, "Date").len(), 1);
        assert!(header(mail, "Subject")[0].contains("=?utf-8?b?"), "{content}");
        assert!(content.contains("\r\n.\r\nBis bald"), "a dot was lost: {content}");
    }
    let told: String = attempts(&company).iter().map(Value::to_string).collect();
    let log = hub.stop();
    assert!(!told.contains("example.com") && !told.contains("is gone"), "{told}");
    assert!(!log.contains("example.com"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_was_away_gets_each_mail_once() {
    let server = tokio::task::spawn_blocking(|| Server::start(&json!({}))).await.unwrap();
    let proxy = Wire::to(server.address).await;
    let company = sends(&format!("server = \"{}\"\ntls = \"none\"\n", proxy.address));
    proxy.cut();
    let hub = company.start();
    placed(&company, (1..=3).map(|id| order(id, "a@example.com"))).await;
    tried(&company, "retry", "the mail server").await;
    proxy.mend();
    balanced(&company.settled());
    // And with connections open.
    proxy.cut();
    proxy.mend();
    placed(&company, (4..=6).map(|id| order(id, "a@example.com"))).await;
    let balance = company.settled();
    balanced(&balance);
    assert_eq!(balance["fates"]["delivered"], 6);
    let taken = server.taken();
    let mut ids: Vec<&str> = taken.iter().flat_map(|mail| header(mail, "Message-ID")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((taken.len(), ids.len()), (6, 6), "{ids:?}");
    let log = hub.stop();
    assert!(log.contains("the mail server is away"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_proves_its_name_and_lets_in_who_has_the_password() {
    let folder = tempfile::tempdir().unwrap();
    certificate::write(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    for tls in ["starttls", "required"] {
        let options = json!({
            "tls": tls, "certificate": path("cert.pem"), "key": path("key.pem"), "login": ["snodo", "hush"],
        });
        let server = tokio::task::spawn_blocking(move || Server::start(&options)).await.unwrap();
        for (password, trusted, outcome, reason) in [
            ("hush", true, "accepted", ""),
            ("hash", true, "auth", "does not let the hub in (SMTP 535)"),
            ("hush", false, "retry", "failed to reach the mail server"),
        ] {
            let company = sends(&format!(
                "server = \"localhost:{}\"\ntls = \"{tls}\"\nuser = \"snodo\"\npassword = {{ file = \"password\" }}\n",
                server.address.port()
            ));
            company.write("password", password);
            let mut command = company.command(&["run"]);
            if trusted {
                command.env("SSL_CERT_FILE", path("cert.pem"));
            }
            let hub = company.start_as(command);
            placed(&company, [order(1, "a@example.com")]).await;
            tried(&company, outcome, reason).await;
            let log = hub.stop();
            assert!(!log.contains(password), "{log}");
        }
        let taken = server.taken();
        assert_eq!(taken.len(), 1, "{tls}: {taken:?}");
        assert_eq!((&taken[0]["encrypted"], &taken[0]["login"]), (&json!(true), &json!(true)), "{tls}");
    }
}

/// A hub that takes mail for two addresses and a domain, and the port for it.
fn takes(receiver: &Receiver, mail: &str) -> (Company, u16) {
    let company = Company::new();
    install(&company, "mail");
    let port = opened(&company, mail);
    company.channel(
        "support",
        "connector = \"clerk\"\n[receive]\ntransport = \"mail\"\nrecipients = [\"support@shop.example\", \"*@returns.example\"]\n",
    );
    company.channel(
        "far",
        "connector = \"clerk\"\n[receive]\ntransport = \"mail\"\nrecipients = [\"far@shop.example\"]\nfrom_networks = [\"10.0.0.0/8\"]\n",
    );
    company.webhook_out("crm", receiver.address);
    company.route("mails", "support", "crm", "");
    company.route("far-mails", "far", "crm", "");
    (company, port)
}

/// The company's hub takes mail, as these lines say, at that port.
pub fn opened(company: &Company, mail: &str) -> u16 {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let hub = std::fs::read_to_string(company.path("hub.toml")).unwrap();
    company.write(
        "hub.toml",
        &format!("{hub}[mail]\nlisten = \"127.0.0.1:{port}\"\nhostname = \"hub.example\"\n{mail}"),
    );
    port
}

/// The codes with which the hub answers these mails.
pub async fn brought(port: u16, mails: Value) -> Vec<u64> {
    let answer = tokio::task::spawn_blocking(move || {
        python("mail_client.py", &[&port.to_string(), &mails.to_string()])
    });
    serde_json::from_str(&answer.await.unwrap()).unwrap()
}

fn mail(id: usize, to: &[&str]) -> Value {
    let text = format!(
        "From: Rosa <rosa@example.com>\nTo: Shop <support@shop.example>\nSubject: Order {id}\nMessage-ID: <m{id}@example.com>\n\nWhere is {id}?\n"
    );
    json!({"from": "rosa@example.com", "to": to, "mail": text})
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_for_those_who_are_here_is_kept_and_all_other_is_refused() {
    let receiver = Receiver::start().await;
    let (company, port) = takes(&receiver, "bytes_max = 65536\n");
    let hub = company.start();
    let mut long = mail(6, &["support@shop.example"]);
    long["mail"] = json!(format!("Subject: long\n\n{}", format!("{}\n", "x".repeat(70)).repeat(1000)));
    let codes = brought(
        port,
        json!([
            mail(1, &["support@shop.example"]),
            mail(2, &["X7@Returns.example", "support@shop.example"]),
            mail(3, &["sales@shop.example"]),
            mail(4, &["someone@gmail.example"]),
            mail(5, &["far@shop.example"]),
            long,
            // The same once more: whoever lost the answer brings it again.
            mail(1, &["support@shop.example"]),
        ]),
    )
    .await;
    assert_eq!(codes, [250, 250, 550, 550, 550, 552, 250]);
    let balance = company.settled();
    balanced(&balance);
    assert_eq!(
        (&balance["messages"]["decoded"], &balance["fates"]["delivered"], &balance["fates"]["duplicate"]),
        // Two routes heard of the second one.
        (&json!(3), &json!(2), &json!(2))
    );
    let taken = receiver.taken();
    let first = taken.iter().find(|one| one.body["data"]["body"]["message_id"] == "m1@example.com").unwrap();
    assert_eq!(first.body["data"]["topic"], "support@shop.example");
    assert_eq!(
        first.body["data"]["body"],
        json!({
            "message_id": "m1@example.com", "from": {"name": "Rosa", "address": "rosa@example.com"},
            "to": [{"name": "Shop", "address": "support@shop.example"}], "subject": "Order 1", "text": "Where is 1?\r\n",
            "envelope": {"from": "rosa@example.com", "to": ["support@shop.example"]},
        })
    );
    let second = taken.iter().find(|one| one.body["data"]["body"]["message_id"] == "m2@example.com").unwrap();
    assert_eq!(second.body["data"]["topic"], "*@returns.example");
    assert_eq!(
        second.body["data"]["body"]["envelope"]["to"],
        json!(["X7@Returns.example", "support@shop.example"])
    );

    let answer = tokio::task::spawn_blocking(move || {
        node("nodemailer.mjs", &[&port.to_string(), "zoe@example.com", "support@shop.example"])
    });
    let answer: Value = serde_json::from_str(&answer.await.unwrap()).unwrap();
    assert_eq!(answer["accepted"], json!(["support@shop.example"]));
    company.settled();
    let taken = receiver.taken();
    let body =
        &taken.iter().find(|one| one.body["data"]["body"]["message_id"] == "n1@client.example").unwrap().body
            ["data"]["body"];
    assert_eq!(body["from"], json!({"name": "Zoë Müller", "address": "zoe@example.com"}));
    assert_eq!(
        (&body["subject"], &body["html"]),
        (&json!("Rückfrage zu Bestellung 7 ✓"), &json!("<p>Wo ist sie?</p>"))
    );
    assert!(body["text"].as_str().unwrap().starts_with("Wo ist sie?\r\n.\r\nDanke"), "{body}");
    assert_eq!(
        (&body["in_reply_to"], &body["references"]),
        (&json!("m0@shop.example"), &json!(["a@shop.example", "m0@shop.example"]))
    );
    assert_eq!(
        body["attachments"],
        json!([{"name": "Beleg 1.pdf", "type": "application/pdf", "bytes": 1234}])
    );
    assert!(body["date"].as_str().unwrap().starts_with("2026-03-01T09:00:00"), "{body}");

    let (_, metrics) = get(hub.address, "/metrics").unwrap();
    // The long one was refused by the size that its sender named, before it was said whom it is for.
    let accepted = "snodo_mail_in_total{channel=\"support\",result=\"accepted\"} 4\n";
    assert!(metrics.contains(accepted), "{metrics}");
    let log = hub.stop();
    assert!(!log.contains("example.com") && !log.contains("shop.example"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_was_acknowledged_survives_a_kill() {
    let receiver = Receiver::start().await;
    let (company, port) = takes(&receiver, "");
    let mut acknowledged = 0;
    for kill in 0..4 {
        let hub = company.start();
        let mails: Vec<Value> = (0..10).map(|i| mail(kill * 10 + i, &["support@shop.example"])).collect();
        acknowledged += brought(port, json!(mails)).await.iter().filter(|code| **code == 250).count();
        hub.kill();
    }
    assert_eq!(acknowledged, 40);
    let hub = company.start();
    let balance = company.settled();
    balanced(&balance);
    assert_eq!(balance["fates"]["delivered"], 40);
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_comes_encrypted_where_there_is_a_certificate() {
    let folder = tempfile::tempdir().unwrap();
    certificate::write(folder.path());
    let receiver = Receiver::start().await;
    let (company, port) = takes(&receiver, "certificate = \"cert.pem\"\nkey = { file = \"key.pem\" }\n");
    for name in ["cert.pem", "key.pem"] {
        std::fs::copy(folder.path().join(name), company.path(name)).unwrap();
    }
    let hub = company.start();
    let mut encrypted = mail(1, &["support@shop.example"]);
    encrypted["ca"] = json!(company.path("cert.pem"));
    assert_eq!(brought(port, json!([encrypted])).await, [250]);
    assert_eq!(company.settled()["fates"]["delivered"], 1);
    hub.stop();
}

#[test]
fn mail_needs_a_place_to_come_to() {
    let company = Company::new();
    install(&company, "mail");
    let channel = |recipients: &str| {
        format!("connector = \"clerk\"\n[receive]\ntransport = \"mail\"\nrecipients = [{recipients}]\n")
    };
    company.channel("support", &channel("\"support@shop.example\", \"shop.example\""));
    company.channel("sales", &(channel("\"Support@shop.example\"") + "from_networks = [\"10.0.0.0/99\"]\n"));
    let output = company.run(&["check"]);
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    for part in [
        "the hub takes none",
        "[mail] and below it listen",
        "\"shop.example\" is not an address of mail",
        "\"10.0.0.0/99\" is not a network",
        "is the channel sales's already",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}
