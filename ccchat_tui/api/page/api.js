// What is asked of ccchat, and in which words it is refused.

const PATIENCE = 15_000; // milliseconds
const SENDABLE = /^[\x21-\x7e]+$/;

/** It was refused, or there was no answer; the message is for the person. */
export class Refused extends Error {
  /** @param status The status of HTTP; 0 where there was no answer. */
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

export class Api {
  constructor(token) {
    this.token = token;
  }

  /** What is answered, as an object. Throws `Refused`. */
  async ask(method, path, body) {
    const options = { method, signal: AbortSignal.timeout(PATIENCE) };
    if (body !== undefined) options.body = JSON.stringify(body);
    const response = await this.open(path, options);
    try {
      return await response.json();
    } catch {
      throw new Refused(0, "What came back is not from ccchat, or broke off.");
    }
  }

  /** The answer once its head is there. Throws `Refused`. */
  async open(path, { headers = {}, ...options } = {}) {
    if (!SENDABLE.test(this.token)) throw new Refused(401, "That is no token.");
    let response;
    try {
      response = await fetch(path, {
        ...options,
        headers: { ...headers, authorization: `Bearer ${this.token}` },
        cache: "no-store",
        credentials: "omit",
        redirect: "error",
      });
    } catch (error) {
      if (options.signal?.aborted && error.name === "AbortError") throw error;
      throw new Refused(0, "ccchat does not answer.");
    }
    if (response.ok) return response;
    throw new Refused(response.status, await words(response));
  }
}

async function words(response) {
  if (response.status === 401) return "This token is not known here. Was all of it copied?";
  try {
    const { error } = await response.json();
    if (typeof error === "string" && error) return `${error[0].toUpperCase()}${error.slice(1)}.`;
  } catch {
    // Not in our words; a proxy's, perhaps.
  }
  return `It was refused, with status ${response.status}.`;
}
