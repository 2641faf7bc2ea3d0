//! Comments and mentions on Instagram: <https://developers.facebook.com/docs/graph-api/webhooks/reference/instagram/>.

use serde_json::Value;
use snodo_connector::Draft;
use snodo_connector::fields::{self, Fields, Take};

use super::{Side, Told};

/// A comment below a post, a reel, an ad or a live film. It has no time of its own but the notification's.
pub fn comment(mut value: Fields, side: &Side) -> Option<Draft> {
    let id = value.text("id").or_else(|| value.text("comment_id"))?;
    let mut from = value.object("from").unwrap_or_default();
    let own = side.is_own(&from);
    let mut post = value.texts(&[("text", "text")]);
    post.insert("id".into(), id.clone().into());
    post.insert("network".into(), "instagram".into());
    post.insert("kind".into(), "comment".into());
    post.leave("account", side.account.clone());
    post.leave("author", from.get("username").and_then(fields::text));
    post.leave("author_id", from.get("id").and_then(fields::text));
    post.leave("published_at", side.time.clone());
    let mut media = value.object("media").unwrap_or_default();
    let parent = value.text("parent_id");
    post.leave("parent_id", parent.clone().or_else(|| media.get("id").and_then(fields::text)));
    if parent.is_none() {
        media.take("id", fields::text);
    }
    let customer = match own {
        true => {
            from.retain(|name, _| name != "id" && name != "username");
            Fields::new()
        }
        false => side.author(&mut from),
    };
    value.leave("media", media);
    value.leave("from", from);
    let mut data = Fields::new();
    data.leave("post", post);
    let told = Told {
        kind: if own { "social.post.published" } else { "social.post.commented" },
        subject: Some(format!("post/{id}")),
        key: Some(format!("comment/{id}")),
        time: side.time.clone(),
        data,
    };
    Some(side.draft(told, customer, side.touchpoint(), value))
}

/// The account was named in a caption or a comment. Meta tells where, and not by whom.
pub fn mention(mut value: Fields, side: &Side) -> Option<Draft> {
    let (media, comment) = (value.text("media_id"), value.text("comment_id"));
    let id = comment.clone().or_else(|| media.clone())?;
    let mut post = Fields::new();
    post.insert("id".into(), id.clone().into());
    post.insert("network".into(), "instagram".into());
    post.insert("kind".into(), if comment.is_some() { "comment" } else { "post" }.into());
    post.leave("account", side.account.clone());
    post.leave("parent_id", media.filter(|_| comment.is_some()).map(Value::from));
    let mut data = Fields::new();
    data.leave("post", post);
    let told = Told {
        kind: "social.post.mentioned",
        subject: Some(format!("post/{id}")),
        key: Some(format!("mention/{id}")),
        time: side.time.clone(),
        data,
    };
    Some(side.draft(told, Fields::new(), side.touchpoint(), value))
}
