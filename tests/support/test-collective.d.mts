export declare function openHub(size: number): Promise<{ readonly port: number; close(): void }>;
