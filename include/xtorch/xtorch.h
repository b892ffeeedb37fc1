// Data loading for calibration and evaluation: datasets, transforms and loaders with the names and
// meanings that users of torchvision know, without LibTorch.
//
//   auto dataset = xt::datasets::ImageFolder(
//       "/data/calib", xt::transforms::Compose({
//                          std::make_shared<xt::transforms::image::Resize>({224, 224}),
//                          std::make_shared<xt::transforms::general::Normalize>(
//                              std::vector<float>{0.485, 0.456, 0.406},
//                              std::vector<float>{0.229, 0.224, 0.225})}));
//   xt::dataloaders::ExtendedDataLoader loader(dataset, 32, false);
//   for (const xt::dataloaders::Batch& batch : loader) use(batch.data, batch.target);
#pragma once

#include "xtorch/dataloaders.h"
#include "xtorch/datasets.h"
#include "xtorch/general_transforms.h"
#include "xtorch/image_transforms.h"
#include "xtorch/make_shared.h"
#include "xtorch/transforms.h"
