/** The message of an error of ONNX Runtime on one line, without the places in its source code that it names. */
export function runtimeText(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  // `/onnxruntime_src/…/model.cc:202 onnxruntime::Model::Model(onnx::ModelProto&&, …) Unsupported …`
  return (
    text
      .replace(/\/\S*?onnxruntime\/\S+?\.(?:cc|h):\d+ [^()]*\([^)]*\)(?: const)? */g, '')
      .replace(/\[with [^\]]*\] */g, '')
      // `CUDA failure 35: … ; GPU=0 ; hostname=… ; file=… ; line=352 ; expr=cudaSetDevice(…);`
      .replace(/ ; GPU=-?\d+ ; hostname=.*? ; line=\d+ ; expr=(.*?);\s*$/s, ' ($1)')
      .replace(/\s+/g, ' ')
      .trim()
  );
}
