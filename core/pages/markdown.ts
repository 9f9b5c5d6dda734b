/**
 * Markdown of terms of use, as HTML that may stand in our pages: no HTML of its own, no images, links to web and mail
 * addresses only.
 * @module
 */
import { createRequire } from 'node:module'
import type MarkdownIt from 'markdown-it'

const require = createRequire(import.meta.url)

const allowed = /^(?:https?:\/\/|mailto:)/i

type Renderer = InstanceType<typeof MarkdownIt>

let made: Renderer | undefined

/** Renders Markdown; what it returns is safe to put into a page as it is. */
export function renderMarkdown(text: string): string {
  // Loaded by the first page that has such a text.
  made ??= make()
  return made.render(text)
}

function make(): Renderer {
  const Library: typeof MarkdownIt = require('markdown-it')
  const markdown = new Library({ html: false, linkify: false, typographer: false, breaks: false })
  // An image is fetched from elsewhere, or is a data URL: neither belongs into a text that people agree to.
  markdown.disable('image')
  // Relative addresses would lead into our own pages, `javascript:` and `data:` into code.
  markdown.validateLink = (url) => allowed.test(url)

  markdown.renderer.rules.link_open = (tokens, index, options, _env, self) => {
    tokens[index]?.attrSet('rel', 'noopener noreferrer nofollow')
    return self.renderToken(tokens, index, options)
  }
  // The page has the one heading of the first rank.
  for (const rule of ['heading_open', 'heading_close'])
    markdown.renderer.rules[rule] = (tokens, index, options, _env, self) => {
      const token = tokens[index]
      if (token) token.tag = `h${Math.min(6, Number(token.tag.slice(1)) + 1)}`
      return self.renderToken(tokens, index, options)
    }
  // Columns are aligned by a style attribute, which the content security policy blocks.
  for (const rule of ['th_open', 'td_open'])
    markdown.renderer.rules[rule] = (tokens, index, options, _env, self) => {
      const token = tokens[index]
      if (token) token.attrs = null
      return self.renderToken(tokens, index, options)
    }
  return markdown
}
