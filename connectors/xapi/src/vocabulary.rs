//! What verbs and types of activity mean. xAPI has no closed list of either: anybody may coin an IRI, and the same verb has one for
//! ADL (`http://adlnet.gov/expapi/verbs/`), for the video profile (`https://w3id.org/xapi/video/verbs/`), for Activity Streams
//! (`http://activitystrea.ms/schema/1.0/`), for Tin Can (`http://id.tincanapi.com/verb/`) and for OmiLAXR
//! (`https://xapi.elearn.rwth-aachen.de/definitions/virtualReality/verbs/`). So the last word of the IRI decides, whoever coined it.

/// What a statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Session,
    App,
    Scene,
    Media,
    Survey,
    Product,
    Object,
    Other,
}

impl Kind {
    /// By the last word of the IRI of an activity's type.
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "session" => Self::Session,
            "game" | "application" | "app" | "simulation" => Self::App,
            "scene" | "room" | "area" | "place" | "location" | "world" | "level" | "stage" | "showroom"
            | "environment" | "virtualenvironment" | "space" => Self::Scene,
            "video" | "audio" | "media" | "recording" | "animation" | "sound" | "song" => Self::Media,
            "question" | "survey" | "assessment" | "cmiinteraction" | "questionnaire" | "quiz" => {
                Self::Survey
            }
            "product" | "merchandise" => Self::Product,
            "vrobject" | "uielement" | "object" | "pointable" | "interactable" | "draggable"
            | "collectable" | "button" | "controllerbutton" => Self::Object,
            _ => return None,
        })
    }
}

/// The event that a statement is. `word` is what the event's own closed lists call it: the action on a recording, the state of a
/// session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deed {
    pub event: &'static str,
    pub word: Option<&'static str>,
}

/// The last word of an IRI, in small letters and digits only: `…/verbs/logged-in` is `loggedin`.
pub fn last_word(iri: &str) -> String {
    let iri = iri.trim_end_matches(['/', '#']);
    let word = iri.rsplit(['/', '#', ':']).next().unwrap_or_default();
    word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// `None` for what the hub's vocabulary has no word for.
pub fn deed(verb: &str, kind: Kind) -> Option<Deed> {
    let of_kind = match kind {
        Kind::Session | Kind::App => session(verb),
        Kind::Scene => scene(verb),
        Kind::Media => media(verb),
        Kind::Survey => survey(verb),
        Kind::Product => product(verb).or_else(|| object(verb)),
        Kind::Object => object(verb),
        // The verb alone must tell.
        Kind::Other => match verb {
            "initialized" | "launched" | "terminated" => session(verb),
            "entered" => scene(verb),
            "played" | "paused" | "seeked" | "watched" => media(verb),
            "answered" | "rated" => survey(verb),
            _ => object(verb).filter(|_| !matches!(verb, "used" | "changed" | "focused" | "dropped")),
        },
    };
    let of_kind = of_kind.or_else(|| said_of_anything(verb))?;
    Some(Deed { event: of_kind.0, word: of_kind.1 })
}

type Meant = Option<(&'static str, Option<&'static str>)>;

fn session(verb: &str) -> Meant {
    Some(match verb {
        "initialized" | "launched" | "started" | "began" | "entered" | "opened" | "loggedin"
        | "attempted" => ("xr.session.started", None),
        "terminated" | "ended" | "exited" | "left" | "closed" | "loggedout" | "abandoned" | "finished" => {
            ("xr.session.ended", None)
        }
        "focused" => ("xr.session.focus_changed", Some("focused")),
        "unfocused" => ("xr.session.focus_changed", Some("unfocused")),
        "paused" | "suspended" => ("xr.session.focus_changed", Some("paused")),
        "resumed" => ("xr.session.focus_changed", Some("resumed")),
        _ => return None,
    })
}

fn scene(verb: &str) -> Meant {
    Some(match verb {
        "entered" | "initialized" | "launched" | "started" | "began" | "visited" | "experienced"
        | "viewed" | "loaded" | "opened" | "teleported" | "attended" => ("xr.scene.entered", None),
        "exited" | "left" | "terminated" | "ended" | "finished" | "completed" | "closed" | "abandoned" => {
            ("xr.scene.exited", None)
        }
        _ => return None,
    })
}

fn media(verb: &str) -> Meant {
    let action = match verb {
        "played" | "started" | "watched" | "listened" | "restarted" => "started",
        "paused" | "suspended" => "paused",
        "resumed" => "resumed",
        "seeked" | "skipped" => "sought",
        "completed" | "finished" => "completed",
        "terminated" | "stopped" | "abandoned" => "stopped",
        _ => return None,
    };
    Some(("xr.media.played", Some(action)))
}

fn survey(verb: &str) -> Meant {
    Some(match verb {
        "answered" | "responded" => ("voc.survey.answered", None),
        "rated" | "scored" => ("voc.score.recorded", None),
        "initialized" | "launched" | "started" | "attempted" => ("voc.survey.started", None),
        "completed" | "finished" | "submitted" => ("voc.survey.completed", None),
        _ => return None,
    })
}

fn product(verb: &str) -> Meant {
    Some(match verb {
        "viewed" | "experienced" | "opened" | "inspected" => ("commerce.product.viewed", None),
        "shared" => ("commerce.product.shared", None),
        "rated" => ("voc.score.recorded", None),
        _ => return None,
    })
}

fn object(verb: &str) -> Meant {
    Some(match verb {
        "grabbed" | "held" | "pickedup" | "picked" | "took" | "collected" | "looted" => {
            ("xr.object.grabbed", None)
        }
        "released" | "dropped" | "letgo" => ("xr.object.released", None),
        "placed" | "positioned" => ("xr.object.placed", None),
        "gazed" | "gazedat" | "lookedat" | "fixated" | "focused" | "observed" | "pursued" => {
            ("xr.object.gazed", None)
        }
        "selected" | "clicked" | "pressed" | "pressedbutton" | "pointed" | "touched" | "interacted"
        | "triggered" | "activated" | "used" => ("xr.object.selected", None),
        "configured" | "customized" | "customised" | "changed" | "personalized" | "personalised" => {
            ("xr.object.configured", None)
        }
        _ => return None,
    })
}

fn said_of_anything(verb: &str) -> Meant {
    Some(match verb {
        "triedon" | "wore" | "worn" => ("xr.product.tried_on", None),
        "searched" => ("web.search.performed", None),
        "stressed" => ("xr.comfort.reported", Some("stressed")),
        "relaxed" => ("xr.comfort.reported", Some("relaxed")),
        _ => return None,
    })
}

/// The channel's own verbs may stand for these.
pub fn event_named(name: &str) -> Option<Deed> {
    const EVENTS: [&str; 14] = [
        "xr.comfort.reported",
        "xr.handover.requested",
        "xr.media.played",
        "xr.object.configured",
        "xr.object.gazed",
        "xr.object.grabbed",
        "xr.object.placed",
        "xr.object.released",
        "xr.object.selected",
        "xr.product.tried_on",
        "xr.scene.entered",
        "xr.scene.exited",
        "xr.session.ended",
        "xr.session.started",
    ];
    EVENTS.iter().find(|event| **event == name).map(|event| Deed { event, word: None })
}
