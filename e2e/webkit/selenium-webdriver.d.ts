/** What these tests use of the package, which comes without types. */
declare module 'selenium-webdriver' {
  export interface WebDriver {
    get(url: string): Promise<void>;
    executeScript(script: string, ...args: readonly unknown[]): Promise<unknown>;
    getWindowHandle(): Promise<string>;
    switchTo(): { window(handle: string): Promise<void>; newWindow(kind: 'tab' | 'window'): Promise<void> };
    navigate(): { refresh(): Promise<void> };
    /** Closes the current window. */
    close(): Promise<void>;
    quit(): Promise<void>;
  }
  export class Capabilities {
    setBrowserName(name: string): this;
    set(key: string, value: unknown): this;
  }
  export class Builder {
    usingServer(url: string): this;
    withCapabilities(capabilities: Capabilities): this;
    build(): Promise<WebDriver>;
  }
}
