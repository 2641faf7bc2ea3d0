// Brings one mail to a server as Nodemailer makes it. Arguments: the port, the sender, the recipient.
import { createTransport } from "nodemailer";

const [port, from, to] = process.argv.slice(2);
const transport = createTransport({ host: "127.0.0.1", port: Number(port), ignoreTLS: true });
const sent = await transport.sendMail({
  from: { name: "Zoë Müller", address: from },
  to,
  subject: "Rückfrage zu Bestellung 7 ✓",
  text: "Wo ist sie?\n.\nDanke",
  html: "<p>Wo ist sie?</p>",
  messageId: "<n1@client.example>",
  date: new Date("2026-03-01T09:00:00Z"),
  inReplyTo: "<m0@shop.example>",
  references: ["<a@shop.example>", "<m0@shop.example>"],
  attachments: [{ filename: "Beleg 1.pdf", content: Buffer.alloc(1234, 7), contentType: "application/pdf" }],
});
console.log(JSON.stringify({ accepted: sent.accepted, response: sent.response }));
