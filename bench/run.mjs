// npm run bench -- NAME [options]: runs bench/NAME.ts, which is compiled to bench/dist/.
const [name, ...options] = process.argv.slice(2);
process.argv.splice(2, process.argv.length, ...options);
await import(`./dist/${name}.js`);
