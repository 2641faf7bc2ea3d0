// Who answered: the link's hidden field, and the addresses among the answers. All of it is what the customer says.

import { email, known, phone } from "snodo-connector";

/** More than these are not one person's. The schema takes 64. */
const IDENTIFIERS_MAX = 16;

export function customer({ answers = [], hidden }, { customer_field: field, customer_namespace: namespace = "customer" }) {
  const own = field === undefined ? undefined : hidden?.[field];
  const identifiers = [
    own ? identifier(namespace, String(own)) : undefined,
    ...answers.map(({ type, email: address = "", phone_number: number = "" }) => {
      if (type === "email") return identifier("email", email(address));
      if (type === "phone_number") return identifier("phone", phone(number));
      return undefined;
    }),
  ];
  const found = identifiers.filter((one) => one !== undefined).slice(0, IDENTIFIERS_MAX);
  return found.length === 0 ? { anonymous: true } : known({ identifiers: found });
}

const identifier = (namespace, value) =>
  value === undefined ? undefined : { namespace, value, kind: "person", authenticated: "asserted" };
