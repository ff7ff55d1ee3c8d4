import type { Answer } from './answer.js';
import { createOpenApi } from './api/open-api.js';
import { docsNav, docsPage } from './pages/docs-page.js';
import { pageAnswer, publicFor5Minutes } from './pages/page.js';

/** `GET /openapi.json` and `GET /docs`: made once, when the process starts, and the same for everybody. */
export function createGetDescription(): { openApi: () => Promise<Answer>; docs: () => Promise<Answer> } {
  const document = createOpenApi();
  const openApi: Answer = {
    status: 200,
    // As text: it need not be written anew for each call.
    body: JSON.stringify(document),
    headers: { 'content-type': 'application/json', ...publicFor5Minutes, vary: 'Accept' },
    code: 'ok',
  };
  const docs = pageAnswer({ title: `${document.info.title}: API`, nav: docsNav(document), main: docsPage(document) });
  return { openApi: async () => openApi, docs: async () => docs };
}
