// pm2 start ecosystem.config.cjs, or one of them by a line:
//   pm2 start node_modules/.bin/prescore --name serve --interpreter none --kill-timeout 40000 -- serve serve.yaml --drain 5s --grace 25s
// PM2 sends SIGINT, and SIGKILL after kill_timeout, which is 1.6 s unless it is set: longer than --grace and --drain together.
const service = (name, args) => ({
  name,
  cwd: '/srv/scoring',
  // The program itself, not npx, and as it is: it needs none of PM2's wrappers. One instance: prescore uses all cores by itself.
  script: 'node_modules/.bin/prescore',
  interpreter: 'none',
  args,
  kill_timeout: 40_000,
  // A file or an option that is wrong: it would be wrong the next time too.
  stop_exit_codes: [2],
});

module.exports = {
  apps: [
    service('serve', 'serve serve.yaml --drain 5s --grace 25s'),
    service('stream', 'stream stream.yaml --grace 25s'),
    service('schedule', 'schedule jobs/ --grace 25s'),
    service('worker', 'worker --allow s3://lake/ --grace 25s'),
  ],
};
