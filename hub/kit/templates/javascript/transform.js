// Alerts without the customer: for those who mend devices and need not know whose they are.

import { data, defineTransform, draft } from "snodo-connector";

export const transform = defineTransform({
  apply(ctx, event) {
    const { customer, consent, ...rest } = data(event);
    // Made of the same event again, it is the same one. Of several that are made of one each needs a key of its own.
    const { id: key, subject, time } = event;
    return [draft(event.kind, rest, { key, subject, time })];
  },
});
