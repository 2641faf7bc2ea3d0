//! What every transaction of a till says about itself, whatever its kind: where, when, who, and its number.

use super::value::{Moment, Object, currency_code, day, e164};
use crate::Config;
use crate::element::Element;

/// A shop's, till's or transaction's number; the standard's are shorter than 40. It is in the key of each event.
const PART_BYTES_MAX: usize = 128;

/// The parts that make a transaction one of a kind, as sent.
#[derive(Clone, Default)]
pub struct Place {
    pub store: Option<String>,
    pub till: Option<String>,
    pub day: Option<String>,
    pub sequence: Option<String>,
    /// A till of version 6 may give a transaction an id that is unique by itself.
    pub id: Option<String>,
}

impl Place {
    /// Reads the parts from a transaction's header, or from a link to an earlier transaction.
    pub fn of(element: Element) -> Self {
        Self {
            store: store_id(element),
            till: element.child("WorkstationID").and_then(owned),
            day: element.child("BusinessDayDate").and_then(|child| child.text_as(day)),
            sequence: element.child("SequenceNumber").and_then(owned),
            id: element.child("TransactionID").and_then(owned),
        }
    }

    /// A link to another transaction of the same till and day may leave them out.
    pub fn beside(mut self, other: &Place) -> Self {
        if self.sequence.is_some() {
            self.store = self.store.or_else(|| other.store.clone());
            self.till = self.till.or_else(|| other.till.clone());
            self.day = self.day.or_else(|| other.day.clone());
        }
        self
    }

    /// `store/till/day/sequence`, or the transaction's own id. Without either there is no key.
    pub fn key(&self) -> Option<String> {
        let escaped = |part: &str| part.replace('%', "%25").replace('/', "%2F");
        let parts = [&self.store, &self.till, &self.day, &self.sequence];
        let known: Vec<_> = parts.iter().filter_map(|part| part.as_deref().map(escaped)).collect();
        if known.len() == parts.len() { Some(known.join("/")) } else { self.id.as_deref().map(escaped) }
    }
}

pub struct Header<'a> {
    pub place: Place,
    pub store: Object,
    pub till: Object,
    pub operator: Object,
    pub currency: String,
    pub organization: Option<String>,
    pub opened: Option<Moment>,
    pub closed: Option<Moment>,
    pub training: bool,
    pub cancelled: bool,
    pub suspended: bool,
    pub voided: bool,
    pub offline: Option<bool>,
    pub assumed_offset: &'a str,
}

impl<'a> Header<'a> {
    /// Reads a transaction's header. The log around it may say the shop and the day for all its transactions.
    pub fn of(transaction: Element, around: &Place, config: &'a Config) -> Self {
        let mut place = Place::of(transaction);
        place.store = place.store.or_else(|| around.store.clone());
        place.till = place.till.or_else(|| around.till.clone());
        let moment = |name: &'static str| {
            transaction
                .child(name)
                .and_then(|child| child.text_as(|text| Moment::read(text, &config.utc_offset)))
        };
        let opened = moment("BeginDateTime");
        let closed = moment("EndDateTime");
        let written = || {
            let of_transaction =
                |time: &Element| ["", "Transaction"].contains(&time.peek_attribute("TypeCode"));
            let time = transaction.all("POSLogDateTime").find(of_transaction)?;
            let moment = time.text_as(|text| Moment::read(text, &config.utc_offset))?;
            _ = time.attribute("TypeCode");
            Some(moment)
        };
        let closed = closed.or_else(written).or_else(|| moment("ReceiptDateTime"));
        let noted_day = || {
            let time = transaction
                .all("POSLogDateTime")
                .find(|time| time.peek_attribute("TypeCode") == "BusinessDate")?;
            _ = time.attribute("TypeCode");
            time.text_as(day)
        };
        let clock_day = || closed.as_ref().or(opened.as_ref()).map(|moment| moment.text[..10].to_owned());
        place.day = place.day.or_else(|| around.day.clone()).or_else(noted_day).or_else(clock_day);
        let offline = [transaction.flag("OfflineFlag"), transaction.flag("KeyedOfflineFlag")].contains(&true);
        let says_offline = ["OfflineFlag", "KeyedOfflineFlag"]
            .iter()
            .any(|name| !transaction.peek_attribute(name).is_empty());
        Self {
            store: store(transaction, place.store.as_deref()),
            till: till(transaction, place.till.as_deref()),
            operator: operator(transaction),
            currency: transaction
                .child("CurrencyCode")
                .and_then(|child| child.text_as(currency_code))
                .unwrap_or_else(|| config.currency.clone()),
            organization: config.organization.clone().or_else(|| organization(transaction)),
            opened,
            closed,
            training: transaction.flag("TrainingModeFlag"),
            cancelled: transaction.flag("CancelFlag"),
            suspended: transaction.flag("SuspendFlag") | transaction.flag("SuspendedFlag"),
            voided: transaction.flag("VoidFlag") | transaction.flag("VoidedFlag"),
            offline: (offline || says_offline).then_some(offline),
            assumed_offset: &config.utc_offset,
            place,
        }
    }

    /// When it happened: at its end, for only then is it what it is.
    pub fn time(&self) -> Option<&Moment> {
        self.closed.as_ref().or(self.opened.as_ref())
    }

    pub fn moment(&self, element: Element) -> Option<Moment> {
        element.text_as(|text| Moment::read(text, self.assumed_offset))
    }

    /// Whose numbers a customer's number is one of: the company's where it is known, the shop's where it is not.
    pub fn customer_scope(&self) -> Option<&str> {
        self.organization.as_deref().or(self.place.store.as_deref())
    }

    pub fn touchpoint(&self) -> Object {
        let (mut store, mut location) = (Object::new(), Object::new());
        store.set("id", self.store.get("id").cloned()).set("name", self.store.get("name").cloned());
        location.set("store", Some(store)).set("workstation", self.place.till.clone());
        let mode = self.offline.map(|offline| if offline { "offline_buffered" } else { "online" });
        let mut touchpoint = Object::new();
        touchpoint
            .set("channel", Some("pos"))
            .set("mode", mode)
            .set("location", Some(location))
            .set("operator", Some(self.operator.clone()));
        touchpoint
    }
}

fn owned(element: Element) -> Option<String> {
    element.text_as(|text| (text.len() <= PART_BYTES_MAX).then(|| text.to_owned()))
}

/// `RetailStoreID` until version 3, `BusinessUnit/UnitID` after it. A log that writes both writes the same.
fn store_id(element: Element) -> Option<String> {
    let old = element.child("RetailStoreID").and_then(owned);
    let units: Vec<_> = element.all("BusinessUnit").filter_map(|unit| unit.child("UnitID")).collect();
    let is_store = |unit: &&Element| ["", "RetailStore", "Store"].contains(&unit.peek_attribute("TypeCode"));
    let unit = units.iter().find(is_store).or(units.first());
    let new = unit.filter(|unit| old.as_deref().is_none_or(|old| old == unit.peek())).and_then(|unit| {
        _ = unit.attribute("TypeCode");
        owned(*unit)
    });
    old.or(new)
}

fn store(transaction: Element, id: Option<&str>) -> Object {
    let unit = transaction
        .all("BusinessUnit")
        .find(|unit| unit.child("UnitID").is_none_or(|unit_id| Some(unit_id.peek()) == id));
    let name = transaction.child("RetailStoreID").and_then(|store| store.attribute("Name"));
    let name =
        name.or_else(|| unit?.child("UnitID")?.attribute("Name")).or_else(|| unit?.child("Name")?.text());
    let place = unit.and_then(|unit| unit.child("Address"));
    let mut store = Object::new();
    store.set("id", id).set("name", name).set("address", place.map(address)).set(
        "phone",
        unit.and_then(|unit| unit.any(&["Telephone", "TelephoneNumber"]))
            .and_then(|phone| telephone(phone).1),
    );
    store
}

fn till(transaction: Element, id: Option<&str>) -> Object {
    let workstation = transaction.child("WorkstationID");
    let mut till = Object::new();
    till.set("id", id)
        .set("name", workstation.and_then(|element| element.attribute("Name")))
        .set("kind", workstation.and_then(|element| element.attribute("TypeCode")))
        .set("drawer_id", transaction.child("TillID").and_then(Element::text));
    till
}

/// The cashier; a header of version 6 may name others beside.
fn operator(transaction: Element) -> Object {
    let is_cashier = |operator: &Element| {
        let role = operator.peek_attribute("OperatorType");
        role.is_empty() || role.eq_ignore_ascii_case("cashier")
    };
    let all: Vec<_> = transaction.all("OperatorID").collect();
    let mut operator = Object::new();
    if let Some(element) = all.iter().copied().find(is_cashier).or(all.first().copied()) {
        operator
            .set("id", element.text())
            .set("name", element.attribute("OperatorName"))
            .set("role", element.attribute("OperatorType"));
    }
    operator
}

fn organization(transaction: Element) -> Option<String> {
    let top = ["Corporation", "Company", "Enterprise", "Organization"];
    let found = transaction
        .all("OrganizationHierarchy")
        .find(|level| top.contains(&level.peek_attribute("Level")))?;
    let id = found.attribute("ID").or_else(|| found.text())?;
    _ = found.attribute("Level");
    Some(id.to_owned())
}

/// An address of the standard's common data.
pub fn address(element: Element) -> Object {
    let lines: Vec<_> = element.all("AddressLine").collect();
    let is_street = |role: &str| ["Street", "Street1", "AddressLine1"].contains(&role);
    let street = |line: &&Element| is_street(line.peek_attribute("TypeCode"));
    let first = lines.iter().find(street).or(lines.first()).copied();
    let mut rest = lines.iter().filter(|line| first.is_none_or(|first| first.id() != line.id())).copied();
    let second = rest.next();
    _ = first.and_then(|line| line.attribute_as("TypeCode", |role| is_street(role).then_some(role)));
    let country = element.any(&["Country", "CountryCode"]);
    let is_code = |text: &str| {
        (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic()))
            .then(|| text.to_ascii_uppercase())
    };
    let code = country
        .and_then(|country| country.attribute_as("Code", is_code).or_else(|| country.text_as(is_code)));
    let region = element.any(&["Territory", "State", "Region"]);
    let mut address = Object::new();
    address
        .set("line1", first.and_then(Element::text))
        .set("line2", second.and_then(Element::text))
        .set("city", element.child("City").and_then(Element::text))
        .set("region", region.and_then(Element::text))
        .set("region_code", region.and_then(|region| region.attribute("Code")))
        .set("postal_code", element.any(&["PostalCode", "ZipCode"]).and_then(Element::text))
        .set("country", country.filter(|country| is_code(country.peek()).is_none()).and_then(Element::text))
        .set("country_code", code)
        .set("kind", element.attribute("TypeCode").map(str::to_ascii_lowercase));
    address
}

/// A telephone number as E.164, if it is one, and as it can be shown.
pub fn telephone(element: Element) -> (Option<String>, Option<String>) {
    let part = |names: &[&'static str]| element.any(names).map_or("", Element::peek);
    let country = part(&["ITUCountryCode", "CountryCode"]);
    let area = part(&["AreaCode"]);
    let local = part(&["FullTelephoneNumber", "LocalNumber", "Number"]);
    let local = if local.is_empty() { element.peek() } else { local };
    if local.is_empty() {
        return (None, None);
    }
    let canonical = e164(country, area, local);
    for name in ["ITUCountryCode", "CountryCode", "AreaCode", "FullTelephoneNumber", "LocalNumber", "Number"]
    {
        _ = element.child(name).and_then(Element::text);
    }
    _ = element.text();
    let shown =
        [country, area, local].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    (canonical.clone(), canonical.or(Some(shown)))
}
