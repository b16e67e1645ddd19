import { ENDPOINTS, type Endpoint } from './endpoints.ts';
import { pathOf } from './openapi.ts';
import { SCHEMAS } from './schemas.ts';
import type { ServerIdentity } from './wire.ts';

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
h1,h2,h3{line-height:1.2}h2{margin-top:2.5rem;border-bottom:1px solid #ccc}code,pre{font:13px/1.45 ui-monospace,monospace}
pre{background:#f5f5f5;padding:.8rem;overflow:auto}article{margin:1.2rem 0}.method{font-weight:700;color:#06c}
.scope{float:right;color:#666}summary{cursor:pointer}@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}pre{background:#252525}.method{color:#6bf}}`;

/** The description as one page: no script, nothing loaded from elsewhere. Errors: none. */
export function docsPage(server: ServerIdentity, endpoints: readonly Endpoint[] = ENDPOINTS): string {
  const groups = [...new Set(endpoints.map(({ group }) => group))];
  const sections = groups.map((group) => {
    const own = endpoints.filter((endpoint) => endpoint.group === group);
    return `<h2>${escapeHtml(group)}</h2>${own.map(article).join('')}`;
  });
  const schemas = Object.entries(SCHEMAS).map(
    ([name, schema]) =>
      `<details id="${name}"><summary><code>${name}</code></summary><pre>${escapeHtml(JSON.stringify(schema, null, 1))}</pre></details>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(server.name)}</title><style>${STYLE}</style></head>
<body><h1>${escapeHtml(server.name)} ${escapeHtml(server.version)}</h1>
<p>The same as OpenAPI 3.1: <a href="/openapi.json">/openapi.json</a>. Keys go as <code>Authorization: Bearer KEY</code>.</p>
${sections.join('\n')}<h2>Bodies</h2>${schemas.join('')}</body></html>`;
}

function article({ method, url, scope, summary, notes, takes, gives, statuses, errors }: Endpoint): string {
  const link = (name: string): string => `<a href="#${name}">${name}</a>`;
  const body = takes === undefined ? '' : `Takes ${link(takes)}. `;
  const others = Object.entries(statuses ?? {}).map(
    ([status, says]) => `<li><code>${status}</code> ${escapeHtml(says)}</li>`,
  );
  return `<article><span class="scope">${scope === null ? 'no key' : `scope ${scope}`}</span>
<code><span class="method">${method}</span> ${escapeHtml(pathOf(url))}</code><br>${escapeHtml(summary)} ${escapeHtml(notes ?? '')}<br>
${body}Gives ${link(gives)}; errors ${link(errors)}.${others.length === 0 ? '' : `<ul>${others.join('')}</ul>`}</article>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
