/** The message of an error of ONNX Runtime on one line, without the places in its source code that it names. */
export function runtimeText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  // `/onnxruntime_src/…/model.cc:202 onnxruntime::Model::Model(onnx::ModelProto&&, …) Unsupported …`
  return text
    .replace(/\/\S*?onnxruntime\/\S+?\.(?:cc|h):\d+ [^()]*\([^)]*\)(?: const)? */g, '')
    .replace(/\s+/g, ' ')
    .trim();
}
