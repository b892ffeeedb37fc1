#include <xinfer/builders/engine_builder.h>
#include <xinfer/builders/calibrator.h> // The Calibrator interface
#include <xtorch/xtorch.h> // We need xTorch for the data loader
#include <iostream>
#include <memory>
int main() {
    try {
        std::string onnx_path = "resnet18.onnx"; // Assume this was exported from xTorch
        std::string engine_path = "resnet18_int8.engine";
        // --- Step 1: Prepare the Calibration Dataloader ---
        // We need a small, representative sample of our validation data.
        auto calibration_dataset = xt::datasets::ImageFolder(
            "/path/to/your/calibration_images/", // A folder with ~500 images
            xt::transforms::Compose({
                std::make_shared<xt::transforms::image::Resize>({224, 224}),
                std::make_shared<xt::transforms::general::Normalize>(
                    std::vector<float>{0.485, 0.456, 0.406},
                    std::vector<float>{0.229, 0.224, 0.225}
                )
            })
        );
        xt::dataloaders::ExtendedDataLoader calib_loader(calibration_dataset, 32, false);
        // --- Step 2: Create the Calibrator Object ---
        // We wrap our xTorch dataloader with the xInfer calibrator.
        auto calibrator = std::make_shared<xinfer::builders::DataLoaderCalibrator>(calib_loader);
        // --- Step 3: Configure and Run the Engine Builder ---
        std::cout << "Building INT8 engine... This will take several minutes as it runs calibration.\n";
        xinfer::builders::EngineBuilder builder;
        builder.from_onnx(onnx_path)
            .with_int8(calibrator) // Pass the calibrator to enable INT8 mode
            .with_max_batch_size(32);
        builder.build_and_save(engine_path);
        std::cout << "INT8 engine built successfully: " << engine_path << std::endl;
    } catch (const std::exception& e) {
        std::cerr << "Error building INT8 engine: " << e.what() << std::endl;
        return 1;
    }
    return 0;
}
