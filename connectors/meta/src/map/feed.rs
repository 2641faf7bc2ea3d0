//! What happens on a Facebook page: <https://developers.facebook.com/docs/graph-api/webhooks/reference/page/>.

use serde_json::{Value, json};
use snodo_connector::Draft;
use snodo_connector::fields::{self, Fields, Take};

use super::{Side, Told, customer, moment};

/// Posts, comments and reactions. Edited, hidden and removed ones have no word, but for reactions that are taken back.
pub fn feed(mut value: Fields, side: &Side) -> Option<Draft> {
    let item = value.get("item")?.as_str()?.to_owned();
    let verb = value.get("verb")?.as_str()?.to_owned();
    let removed = verb == "remove";
    let is_reaction = matches!(item.as_str(), "reaction" | "like");
    if verb != "add" && !(is_reaction && matches!(verb.as_str(), "edit" | "edited" | "remove")) {
        return None;
    }
    let mut from = sender(&mut value);
    let own = side.is_own(&from);
    let author = from.get("id").and_then(fields::text);
    let time = value.take("created_time", moment);
    let (post, comment) = (value.text("post_id"), value.text("comment_id"));
    let mut data = Fields::new();
    let (kind, key, subject) = if is_reaction {
        let mut reaction = Fields::new();
        let sort = value.text("reaction_type").unwrap_or_else(|| "like".into());
        if removed {
            reaction.insert("removed".into(), true.into());
        }
        reaction.leave("post_id", post.clone());
        reaction.leave("comment_id", comment.clone());
        let about = comment.or(post);
        let at = time.as_deref().unwrap_or_default();
        let who = author.as_deref().unwrap_or_default();
        let key = format!("{item}/{}/{who}/{verb}/{at}", about.as_deref().unwrap_or_default());
        let kind = match &about {
            Some(_) => {
                reaction.insert("kind".into(), sort.into());
                "social.post.reacted"
            }
            None => {
                reaction.leave("account", side.account.clone());
                "social.post.followed"
            }
        };
        data.leave("reaction", reaction);
        (kind, key, about.map(|about| format!("post/{about}")))
    } else {
        let id = if item == "comment" { comment } else { post.clone() }?;
        let mut told = self::post(&mut value, side);
        told.insert("id".into(), id.clone().into());
        told.insert("kind".into(), if item == "status" { "post" } else { item.as_str() }.into());
        told.leave("author", from.get("name").and_then(fields::text));
        told.leave("author_id", author);
        told.leave("published_at", time.clone());
        if item == "comment" {
            let parent = value.text("parent_id").or_else(|| post.clone());
            if parent != post {
                value.leave("post_id", post);
            }
            told.leave("parent_id", parent);
        }
        let kind = match item.as_str() {
            _ if own => "social.post.published",
            "comment" => "social.post.commented",
            "share" => "social.post.shared",
            "post"
            | "status"
            | "photo"
            | "video"
            | "link"
            | "album"
            | "note"
            | "animated_image_video"
            | "profile_media"
            | "image" => "social.post.mentioned",
            _ => return None,
        };
        data.leave("post", told);
        (kind, format!("{item}/{id}"), Some(format!("post/{id}")))
    };
    let customer = if own { Fields::new() } else { side.author(&mut from) };
    from.retain(|name, _| !["id", "name"].contains(&name.as_str()));
    value.leave("from", from);
    let told = Told { kind, subject, key: Some(key), time, data };
    Some(side.draft(told, customer, side.touchpoint(), value))
}

/// The page was named in a post or a comment of somebody else.
pub fn mention(mut value: Fields, side: &Side) -> Option<Draft> {
    if value.get("verb").is_some_and(|verb| verb != "add") {
        return None;
    }
    let mut from = sender(&mut value);
    let time = value.take("created_time", moment);
    let (post_id, comment) = (value.text("post_id"), value.text("comment_id"));
    let mut post = self::post(&mut value, side);
    let id = comment.clone().or_else(|| post_id.clone())?;
    post.insert("id".into(), id.clone().into());
    let kind = if comment.is_some() { "comment" } else { "post" };
    post.insert("kind".into(), kind.into());
    post.leave("parent_id", post_id.filter(|_| comment.is_some()));
    post.leave("author", from.get("name").and_then(fields::text));
    post.leave("author_id", from.get("id").and_then(fields::text));
    post.leave("published_at", time.clone());
    let customer = side.author(&mut from);
    value.leave("from", from);
    let mut data = Fields::new();
    data.leave("post", post);
    let told = Told {
        kind: "social.post.mentioned",
        subject: Some(format!("post/{id}")),
        key: Some(format!("mention/{id}")),
        time,
        data,
    };
    Some(side.draft(told, customer, side.touchpoint(), value))
}

/// A recommendation, or stars from before there were recommendations. Comments on it have no word.
pub fn rating(mut value: Fields, side: &Side) -> Option<Draft> {
    let verb = value.get("verb")?.as_str()?.to_owned();
    if value.get("item")? != "rating" || !matches!(verb.as_str(), "add" | "edit" | "edited") {
        return None;
    }
    let id = value.text("open_graph_story_id");
    let who = value.text("reviewer_id");
    let name = value.text("reviewer_name");
    let time = value.take("created_time", moment);
    let mut review = Fields::new();
    review.leave("id", id.clone());
    review.insert("platform".into(), "facebook".into());
    review.leave("author", name.clone());
    review.leave("text", value.text("review_text"));
    if let Some(stars) = value.take("rating", Value::as_u64) {
        review.insert("rating".into(), stars.into());
        review.insert("rating_max".into(), 5.into());
    }
    let recommends = value.take("recommendation_type", |kind| match kind.as_str()? {
        "POSITIVE" | "positive" => Some(true),
        "NEGATIVE" | "negative" => Some(false),
        _ => None,
    });
    review.leave("recommends", recommends);
    review.leave("at", time.clone());
    if !review.contains_key("text") && !review.contains_key("rating") {
        return None;
    }
    let mut traits = Fields::new();
    traits.leave("name", name);
    let customer = customer("facebook:user", who.clone(), traits);
    let about = id.clone().or(who)?;
    let at = time.as_deref().unwrap_or_default();
    let mut data = Fields::new();
    data.leave("review", review);
    let told = Told {
        kind: "social.review.posted",
        subject: id.map(|id| format!("review/{id}")),
        key: Some(format!("rating/{about}/{verb}/{at}")),
        time,
        data,
    };
    Some(side.draft(told, customer, side.touchpoint(), value))
}

/// Somebody has sent a lead form. Meta tells ids only; the connector `meta-leads` fetches what was filled in.
pub fn lead(mut value: Fields, side: &Side) -> Option<Draft> {
    let id = value.text("leadgen_id")?;
    let time = value.take("created_time", moment);
    let mut form = value.texts(&[("form_id", "id")]);
    form.insert("purpose".into(), "lead".into());
    form.insert("submission_id".into(), id.clone().into());
    let mut ad = value.texts(&[("ad_id", "id")]);
    if !ad.is_empty() {
        ad.insert("platform".into(), "meta".into());
    }
    value.take("page_id", |page| (fields::text(page) == side.account).then_some(()));
    let mut data = Fields::new();
    data.leave("form", form);
    data.leave("lead", json!({"id": id, "source": "facebook", "created_at": time}));
    data.leave("ad", ad);
    let lead = json!({"namespace": "meta:lead", "value": id, "kind": "person", "authenticated": "asserted"});
    let mut customer = Fields::new();
    customer.leave("identifiers", vec![lead]);
    let told = Told {
        kind: "social.lead.submitted",
        subject: Some(format!("lead/{id}")),
        key: Some(format!("leadgen/{id}")),
        time,
        data,
    };
    Some(side.draft(told, customer, side.touchpoint(), value))
}

/// Newer versions of the API have `from`, older ones, and mentions, `sender_id` and `sender_name`.
fn sender(value: &mut Fields) -> Fields {
    value.object("from").unwrap_or_else(|| value.texts(&[("sender_id", "id"), ("sender_name", "name")]))
}

fn post(value: &mut Fields, side: &Side) -> Fields {
    let mut post = value.texts(&[("message", "text"), ("permalink_url", "url")]);
    post.insert("network".into(), side.network().into());
    post.leave("account", side.account.clone());
    let mut media: Vec<String> = ["photo", "video"].iter().filter_map(|name| value.text(name)).collect();
    let photos = value
        .take("photos", |photos| photos.as_array()?.iter().map(fields::text).collect::<Option<Vec<_>>>());
    media.extend(photos.unwrap_or_default());
    post.leave("media", media);
    post.leave("public", value.take("published", |published| published.as_u64().map(|one| one == 1)));
    post
}
