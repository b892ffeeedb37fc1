import tensorrt as trt
import pycuda.driver as cuda
import pycuda.autoinit
import numpy as np

TRT_LOGGER = trt.Logger(trt.Logger.WARNING)
EXPLICIT_BATCH = 1 << (int)(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH)

def build_engine(model_path, calibration_data, batch_size=1):
    builder = trt.Builder(TRT_LOGGER)
    network = builder.create_network(EXPLICIT_BATCH)
    config = builder.create_builder_config()
    parser = trt.OnnxParser(network, TRT_LOGGER)

    with open(model_path, 'rb') as model:
        if not parser.parse(model.read()):
            for error in range(parser.num_errors):
                print(parser.get_error(error))
            raise RuntimeError("Failed to parse ONNX model")

    # Configure INT8 calibration
    config.set_flag(trt.BuilderFlag.INT8)
    config.int8_calibrator = MyCalibrator(calibration_data, batch_size=batch_size)

    # Build the engine
    serialized_engine = builder.build_serialized_network(network, config)
    if serialized_engine is None:
        raise RuntimeError("Failed to build TensorRT engine")

    engine = trt.Runtime(TRT_LOGGER).deserialize_cuda_engine(serialized_engine)
    return engine

class MyCalibrator(trt.IInt8EntropyCalibrator2):
    def __init__(self, calibration_data, batch_size=1):
        trt.IInt8EntropyCalibrator2.__init__(self)
        self.batch_size = batch_size
        self.calibration_data = calibration_data
        self.current_index = 0

        # Allocate GPU memory for calibration data
        self.device_input = cuda.mem_alloc(self.calibration_data.nbytes)

    def get_batch_size(self):
        return self.batch_size

    def get_batch(self, names):
        if self.current_index + self.batch_size > self.calibration_data.shape[0]:
            return None # No more batches

        batch = self.calibration_data[self.current_index : self.current_index + self.batch_size]
        cuda.memcpy_htod(self.device_input, batch.astype(np.float32))
        self.current_index += self.batch_size
        return [self.device_input]

    def read_calibration_cache(self):
        # If you have a pre-existing calibration cache, load it here.
        # Otherwise, return None to generate a new one.
        return None

    def write_calibration_cache(self, cache):
        # Save the generated calibration cache.
        with open("calibration.cache", "wb") as f:
            f.write(cache)

# --- Example Usage ---
# Assume you have calibration data loaded into numpy array `calib_data`
# calib_data = np.random.rand(100, 3, 224, 224).astype(np.float32) # Example shape for ResNet50
# batch_size = 4
# engine = build_engine("resnet50.onnx", calib_data, batch_size=batch_size)
# print("Engine built successfully with INT8 calibration.")
