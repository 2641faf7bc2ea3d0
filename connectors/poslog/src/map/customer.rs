//! Who the customer of a transaction is: customer numbers, loyalty accounts, names and addresses; and what their points did.

use serde_json::{Map, Value, json};
use snodo_connector::contact::email;

use super::header::{Header, address, telephone};
use super::line::word;
use super::value::{Object, day, decimal, is_zero, negative};
use crate::element::Element;

/// What a transaction tells of its customer, gathered from wherever it tells it.
#[derive(Default)]
pub struct Customer {
    identifiers: Vec<Value>,
    traits: Object,
    custom: Map<String, Value>,
    addresses: Vec<Value>,
    pub loyalty: Vec<Object>,
    pub points: Points,
}

/// Names of one customer in one transaction; a card, an account, an address and a number make five.
const IDENTIFIERS_MAX: usize = 32;

/// By how many points the transaction changed the account, as written.
#[derive(Default)]
pub struct Points {
    pub earned: Option<String>,
    pub redeemed: Option<String>,
}

impl Customer {
    /// `Customer` of any version, or the bare `CustomerID` of some.
    pub fn read(&mut self, element: Element, header: &Header) {
        if element.name() == "CustomerID" {
            return self.number(element, header);
        }
        element.all("CustomerID").for_each(|id| self.number(id, header));
        self.name(element);
        for mail in element
            .children()
            .filter(|child| ["EMail", "eMail", "Email", "EmailAddress"].contains(&child.name()))
        {
            let place = mail.any(&["EMailAddress", "EmailAddress", "Address"]).unwrap_or(mail);
            if let Some(mail) = place.text_as(email) {
                self.identify("email", &mail, "person");
                self.traits.set("email", Some(mail));
            }
        }
        for phone in
            element.children().filter(|child| ["Telephone", "TelephoneNumber"].contains(&child.name()))
        {
            let (canonical, shown) = telephone(phone);
            if let Some(canonical) = canonical {
                self.identify("phone", &canonical, "person");
            }
            let mobile = |word: &str| word.eq_ignore_ascii_case("mobile").then_some("mobile");
            let field = phone.attribute_as("TypeCode", mobile).unwrap_or("phone");
            if self.traits.get(field).is_none() {
                self.traits.set(field, shown);
            }
        }
        for place in element.all("Address") {
            let place = address(place);
            if !place.is_empty() {
                self.addresses.push(place.into());
            }
        }
        let birth = element.any(&["BirthDate", "DateOfBirth"]).and_then(|date| date.text_as(day));
        let text = |names: &[&'static str]| element.any(names).and_then(Element::text);
        if birth.is_some() {
            self.traits.set("birth_date", birth);
        }
        for (field, names) in [
            ("gender", &["Gender", "GenderTypeCode"][..]),
            ("language", &["Language", "LanguageCode"]),
            ("company", &["Company", "CompanyName", "OrganizationName"]),
        ] {
            if let Some(value) = text(names) {
                self.traits.set(field, Some(value));
            }
        }
        element.all("LoyaltyAccount").for_each(|account| self.account(account, header));
    }

    /// `LoyaltyAccount` of the standard, with its programmes, or `LoyaltyMembership`, an extension that is in wide use.
    pub fn account(&mut self, element: Element, header: &Header) {
        element.all("CustomerID").for_each(|id| self.number(id, header));
        let programs: Vec<_> = element.all("LoyaltyProgram").collect();
        if programs.is_empty() {
            return self.program(element, element);
        }
        programs.into_iter().for_each(|program| self.program(element, program));
    }

    /// `LoyaltyReward` that gives or takes points, outside of an account.
    pub fn points_of(&mut self, reward: Element) -> Object {
        let change = self.change(reward);
        let mut loyalty = Object::new();
        loyalty.set("points", change);
        loyalty
    }

    /// `CRMCustomVariable`, an extension that is in wide use: what the company itself wants to know of its customers.
    pub fn variable(&mut self, element: Element) {
        let (Some(id), Some(value)) = (element.child("ID"), element.child("Value")) else { return };
        // It is written as it was and then as it is; the last word counts.
        let known = |text: &str| ["New Custom Data", "Update Custom Data"].contains(&text).then_some(());
        if let (Some(name), Some(value)) = (id.text(), value.text()) {
            self.custom.insert(name.to_owned(), value.into());
            _ = element.child("Type").and_then(|kind| kind.text_as(known));
        }
    }

    pub fn is_known(&self) -> bool {
        !self.identifiers.is_empty()
    }

    /// The customer's account, where the transaction names just one.
    pub fn account_id(&self) -> Option<&str> {
        self.loyalty.iter().find_map(|account| account.text("account_id"))
    }

    pub fn object(&self) -> Object {
        let mut traits = self.traits.clone();
        traits.set("addresses", Some(self.addresses.clone())).set("custom", Some(self.custom.clone()));
        let mut customer = Object::new();
        customer.set("identifiers", Some(self.identifiers.clone())).set("traits", Some(traits));
        customer
    }

    fn number(&mut self, id: Element, header: &Header) {
        let Some(scope) = header.customer_scope() else { return };
        if self.is_full() {
            return;
        }
        if let Some(id) = id.text_as(word) {
            self.identify("poslog:customer", &format!("{scope}/{id}"), "account");
        }
    }

    /// One account: `card` is where its numbers may also stand.
    fn program(&mut self, card: Element, program: Element) {
        const NUMBERS: [&str; 8] = [
            "LoyaltyAccountID",
            "LoyaltyID",
            "LoyaltyCardID",
            "MembershipID",
            "AccountID",
            "CardID",
            "LoyaltyCardNumber",
            "AccountNumber",
        ];
        let mut account = Object::new();
        for place in [program, card] {
            for number in NUMBERS.iter().flat_map(|name| place.all(name)) {
                let Some(id) = number.text_as(word).filter(|_| !self.is_full()) else { continue };
                if account.get("account_id").is_none() {
                    account.set("account_id", Some(id));
                }
                self.identify("loyalty", id, "loyalty");
            }
        }
        if let Some(household) = card.child("HouseholdID").and_then(|id| id.text_as(word)) {
            self.identify("household", household, "household");
        }
        let text = |names: &[&'static str]| program.any(names).and_then(Element::text);
        let balance = program.any(&["PointsBalance", "PointBalance", "Balance"]);
        account
            .set("program_id", text(&["LoyaltyProgramID", "ProgramID"]).or_else(|| program.attribute("ID")))
            .set("program", text(&["LoyaltyProgramName", "ProgramName", "Description", "Name"]))
            .set(
                "tier",
                program
                    .any(&["LoyaltyLevel", "MembershipLevel", "Tier", "TierCode", "Level"])
                    .and_then(|tier| tier.text_as(word)),
            )
            .set("points", self.change(program))
            .set(
                "balance",
                balance
                    .and_then(|balance| balance.text_as(decimal))
                    .or_else(|| typed_points(program, "Balance")),
            );
        if !account.is_empty() {
            self.loyalty.push(account);
        }
    }

    /// Points gained less points spent, if only one of them is written; both are kept for the events of their own.
    fn change(&mut self, element: Element) -> Option<String> {
        let read = |names: &[&'static str]| element.any(names).and_then(|points| points.text_as(decimal));
        let earned = read(&["PointsAwarded", "PointsEarned", "PointsIssued"])
            .or_else(|| typed_points(element, "Earn"))
            .or_else(|| typed_points(element, "Award"));
        let redeemed = read(&["PointsRedeemed", "PointsUsed"]).or_else(|| typed_points(element, "Redeem"));
        let redeemed = redeemed.map(|points| points.trim_start_matches('-').to_owned());
        let counts = |points: &String| !is_zero(points);
        self.points.earned = self.points.earned.take().or_else(|| earned.clone().filter(counts));
        self.points.redeemed = self.points.redeemed.take().or_else(|| redeemed.clone().filter(counts));
        match (earned.filter(counts), redeemed.filter(counts)) {
            (Some(earned), None) => Some(earned),
            (None, Some(redeemed)) => Some(negative(&redeemed)),
            _ => None,
        }
    }

    /// `Name` holds the whole name, or parts that say which they are by name or by `TypeCode` or `Location`.
    fn name(&mut self, element: Element) {
        let Some(name) = element.any(&["Name", "CustomerName"]) else { return };
        let parts: Vec<_> = name.children().collect();
        if parts.is_empty() {
            let whole = name.text();
            self.traits.set("name", whole);
        }
        for part in parts {
            let role = ["Location", "TypeCode"]
                .iter()
                .map(|attribute| part.peek_attribute(attribute))
                .find(|role| !role.is_empty());
            let field = match role.unwrap_or(part.name()) {
                "First" | "FirstName" | "GivenName" => "given_name",
                "Last" | "LastName" | "FamilyName" | "Surname" => "family_name",
                "Middle" | "MiddleName" => "middle_name",
                "Salutation" | "Title" | "Prefix" => "salutation",
                "FullName" | "Full" => "name",
                _ => continue,
            };
            if let Some(value) = part.text() {
                self.traits.set(field, Some(value));
                _ = (part.attribute("Location"), part.attribute("TypeCode"));
            }
        }
    }

    fn is_full(&self) -> bool {
        self.identifiers.len() >= IDENTIFIERS_MAX
    }

    fn identify(&mut self, namespace: &str, value: &str, kind: &str) {
        let identifier = json!({
            "namespace": namespace, "value": value, "kind": kind, "authenticated": "asserted", "first_party": true,
        });
        if !self.identifiers.contains(&identifier) {
            self.identifiers.push(identifier);
        }
    }
}

/// `<Points Type="PointsEarned">`, as loyalty programmes of version 6 have it.
fn typed_points(element: Element, kind: &str) -> Option<String> {
    let points = element.all("Points").find(|points| {
        ["Type", "TypeCode"].iter().any(|attribute| points.peek_attribute(attribute).contains(kind))
    })?;
    let value = points.text_as(decimal)?;
    _ = (points.attribute("Type"), points.attribute("TypeCode"));
    Some(value)
}
