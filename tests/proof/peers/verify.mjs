// What do the verifiers on npm say? Deliveries come in as JSON, one a line, and one line goes out for each: by name,
// null where the verifier accepts, else the name of the error's class.
//
// The signature alone is in question, not whether the body is JSON too: JSON.parse has one answer to all of them.

import { createInterface } from 'node:readline';
import { verifyWebhook } from '@clerk/backend/webhooks';
import * as standardwebhooks from 'standardwebhooks';
import * as svix from 'svix';

const parse = JSON.parse;
JSON.parse = () => ({});

// As Express hands headers over: names in lower case, doubled ones joined.
function joined(pairs) {
  const headers = {};
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    headers[key] = key in headers ? `${headers[key]}, ${value}` : value;
  }
  return headers;
}

const verifiers = {
  'svix (npm)': (secret, { headers }, body) => new svix.Webhook(secret).verify(body, joined(headers)),
  'standardwebhooks (npm)': (secret, { webhook }, body) =>
    new standardwebhooks.Webhook(secret).verify(body, joined(webhook)),
  '@clerk/backend (npm)': (secret, { svix: headers }, body) =>
    verifyWebhook(new Request('https://example.com/', { method: 'POST', headers, body }), { signingSecret: secret }),
};

// None of them knows several secrets: each is tried, as a receiver would.
async function verdict(verify, delivery, body) {
  let thrown;
  for (const secret of delivery.secrets) {
    try {
      await verify(secret, delivery, body);
      return null;
    } catch (error) {
      thrown = error;
    }
  }
  return thrown.constructor.name;
}

for await (const line of createInterface({ input: process.stdin })) {
  const delivery = parse(line);
  const body = Buffer.from(delivery.body, 'base64');
  Date.now = () => delivery.now * 1000;
  const verdicts = {};
  for (const [name, verify] of Object.entries(verifiers)) verdicts[name] = await verdict(verify, delivery, body);
  console.log(JSON.stringify(verdicts));
}
