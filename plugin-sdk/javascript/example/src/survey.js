// The response as the vocabulary's survey. Shapes after Typeform's example payload and its explanation of answers:
// https://www.typeform.com/developers/webhooks/example-payload/
// https://www.typeform.com/developers/responses/JSON-response-explanation/

import { known, time } from "snodo-connector";

export function survey(response, { survey_kind: kind }) {
  const { form_id: id, token, definition = {}, landed_at: landed, submitted_at: submitted, answers = [] } = response;
  const fields = new Map((definition.fields ?? []).map((field) => [field.id, field]));
  // The definition has the question's title; the answer, its id, type and ref.
  const fieldOf = (answer) => fields.get(answer.field.id) ?? answer.field;
  return known({
    id,
    name: definition.title,
    kind,
    response_id: token,
    started_at: landed,
    completed_at: submitted,
    duration_ms: duration(landed, submitted),
    question_count: definition.fields?.length,
    answered_count: answers.length,
    answers: answers.map((answer) => answered(answer, fieldOf(answer))),
    scores: answers.map((answer) => scored(answer, fieldOf(answer))).filter((score) => score !== undefined),
  });
}

function answered(answer, field) {
  const { kind, number, choices, text } = said(answer, field);
  const { id, ref, title, type } = field;
  return known({ question_id: ref ?? id, question: title, kind, number, choices, text, metric: METRICS[type] });
}

/** Which metric a question counts for, by its type: only these say so themselves. */
const METRICS = { nps: "nps", rating: "rating" };

/** Questions whose number is a place on a scale. */
const SCALES = new Set(["nps", "opinion_scale", "rating"]);

function said(answer, field) {
  switch (answer.type) {
    case "number":
      return { kind: SCALES.has(field.type) ? "scale" : "number", number: answer.number };
    case "boolean":
      return { kind: "choice", choices: [answer.boolean ? "yes" : "no"] };
    case "choice":
      return { kind: "choice", choices: chosen([answer.choice?.label, answer.choice?.other]) };
    case "choices":
      return { kind: "choices", choices: chosen([...(answer.choices?.labels ?? []), answer.choices?.other]) };
    case "date":
      return { kind: "date", text: answer.date };
    case "file_url":
      return { kind: "file", text: answer.file_url };
    default:
      // text, email, phone_number, url, and payment: what stands under the name of the type, if it is words.
      return { kind: "text", text: words(answer[answer.type]) };
  }
}

/** Undefined for a question that is no score. */
function scored({ type, number }, field) {
  if (type !== "number" || !(field.type in METRICS)) return undefined;
  const nps = field.type === "nps";
  return known({
    metric: METRICS[field.type],
    name: field.ref,
    value: number,
    minimum: nps ? 0 : undefined,
    maximum: nps ? 10 : undefined,
    group: nps ? group(number) : undefined,
    question: field.title,
  });
}

/** By the definition of the Net Promoter Score: 0–6, 7–8, 9–10. */
function group(number) {
  if (number >= 9) return "promoter";
  return number >= 7 ? "passive" : "detractor";
}

const chosen = (labels) => labels.filter((label) => typeof label === "string" && label !== "");

const words = (value) => (typeof value === "string" ? value : undefined);

function duration(landed, submitted) {
  const taken = time.epochMillis(submitted) - time.epochMillis(landed);
  return taken >= 0 ? taken : undefined;
}
