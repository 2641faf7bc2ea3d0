//! What a channel says of its Salesforce org. The hub has checked it against the schema in `connector.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    instance_url: String,
    #[serde(default = "version")]
    api_version: String,
    #[serde(default = "objects")]
    pub objects: Vec<String>,
    pub since: Option<String>,
    #[serde(default)]
    pub more_fields: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub hidden_fields: Vec<String>,
    pub currency: Option<String>,
    #[serde(default)]
    pub multi_currency: bool,
    #[serde(default)]
    pub object: Customers,
    pub id_field: Option<String>,
    #[serde(default = "email")]
    pub id_namespace: String,
    #[serde(default)]
    fields: BTreeMap<String, String>,
    #[serde(default = "opt_out_fields")]
    pub opt_out_fields: BTreeMap<String, String>,
    #[serde(default = "not_known")]
    pub not_known: String,
    pub case_id_field: Option<String>,
    #[serde(default)]
    pub case_values: BTreeMap<String, String>,
}

/// What a customer is kept as.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub enum Customers {
    #[default]
    Contact,
    Lead,
}

impl Customers {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contact => "Contact",
            Self::Lead => "Lead",
        }
    }

    /// Salesforce's own field for a trait:
    /// <https://developer.salesforce.com/docs/platform/object-reference/guide/sforce-api-objects-contact.html>, `…-lead.html`.
    fn default_field(self, name: &str) -> Option<&'static str> {
        let (contact, lead) = match name {
            "given_name" => ("FirstName", "FirstName"),
            "family_name" => ("LastName", "LastName"),
            "salutation" => ("Salutation", "Salutation"),
            "email" => ("Email", "Email"),
            "phone" => ("Phone", "Phone"),
            "mobile" => ("MobilePhone", "MobilePhone"),
            "job_title" => ("Title", "Title"),
            "birth_date" => ("Birthdate", ""),
            "company" => ("", "Company"),
            "industry" => ("", "Industry"),
            "website" => ("", "Website"),
            "street" => ("MailingStreet", "Street"),
            "city" => ("MailingCity", "City"),
            "region" => ("MailingState", "State"),
            "postal_code" => ("MailingPostalCode", "PostalCode"),
            "country" => ("MailingCountry", "Country"),
            _ => return None,
        };
        Some(if self == Self::Contact { contact } else { lead })
    }
}

impl Config {
    /// `path` begins behind `/services/data/vXX.X`.
    pub fn url(&self, path: &str) -> String {
        format!("{}/services/data/v{}{path}", self.instance_url.trim_end_matches('/'), self.api_version)
    }

    /// Ids are one's own within an org: sandboxes are copies.
    pub fn own(&self, id: &str) -> String {
        let host = self.instance_url.split("://").nth(1).unwrap_or_default().trim_end_matches('/');
        format!("{}/{id}", host.to_ascii_lowercase())
    }

    /// A case belongs to a contact; a lead it cannot name.
    pub fn links_cases(&self) -> bool {
        self.object == Customers::Contact
    }

    /// The field for a trait; `None` if the channel does not want it written.
    pub fn field(&self, name: &str) -> Option<&str> {
        let own = self.fields.get(name).map(String::as_str);
        own.or_else(|| self.object.default_field(name)).filter(|field| !field.is_empty())
    }
}

fn version() -> String {
    "62.0".into()
}

fn objects() -> Vec<String> {
    ["Account", "Contact", "Lead", "Opportunity", "Case", "Task"].map(str::to_owned).into()
}

fn email() -> String {
    "email".into()
}

fn opt_out_fields() -> BTreeMap<String, String> {
    BTreeMap::from([("marketing.email".to_owned(), "HasOptedOutOfEmail".to_owned())])
}

fn not_known() -> String {
    "[not provided]".into()
}
