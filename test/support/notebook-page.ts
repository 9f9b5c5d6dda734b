/** What somebody does in the pages of Jupyter Notebook 6. @module */
import type { Page } from 'playwright-core'

/** From the tree of files to a new notebook of Python whose kernel waits. */
export async function newNotebook(tree: Page): Promise<Page> {
  await tree.locator('#new-dropdown-button').click()
  const opened = tree.context().waitForEvent('page')
  await tree.locator('#kernel-python3 a').click()
  const notebook = await opened
  await notebook.locator('#kernel_indicator_icon.kernel_idle_icon').waitFor()
  return notebook
}

/** Types a line into the last cell; answers what is written below it. */
export async function run(notebook: Page, line: string): Promise<string> {
  await type(notebook, line)
  const cell = notebook.locator('.code_cell').nth(-2)
  await cell.locator('.output_area').first().waitFor()
  return (await cell.locator('.output_subarea').innerText()).trim()
}

/** Types a line into the last cell and runs it. */
export async function type(notebook: Page, line: string): Promise<void> {
  const cells = notebook.locator('.code_cell')
  const before = await cells.count()
  await cells.last().locator('.CodeMirror').click()
  await notebook.keyboard.insertText(line)
  await notebook.keyboard.press('Shift+Enter')
  await cells.nth(before).waitFor()
}
