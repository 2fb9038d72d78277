"""The names that are Keras' own, over all its versions: what a config names besides is somebody's own."""

from __future__ import annotations

KNOWN = frozenset(
    """
    AUC Abs AbsMaxQuantizer Absolute AbstractRNNCell Accuracy Activation ActivityRegularization Adadelta Adafactor
    Adagrad Adam AdamW Adamax AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
    AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AddLoss AddMetric AdditiveAttention All
    AlphaDropout Any Arange Argmax Argmin AtrousConvolution2D Attention AugMix AutoContrast Average AveragePool
    AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D BaseLossScaleOptimizer
    BatchNormalization BatchNormalizationV1 BatchNormalizationV2 Bidirectional BinaryAccuracy BinaryCrossentropy
    BinaryFocalCrossentropy BinaryIoU BroadcastTo CTC Cast CategoricalAccuracy CategoricalCrossentropy
    CategoricalFocalCrossentropy CategoricalGeneralizedCrossEntropy CategoricalHinge CategoryCrossing
    CategoryEncoding Ceil CenterCrop Circle ClassMethod Clip CompileLoss CompileMetrics Concatenate
    ConcordanceCorrelation Constant Constraint Conv Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D
    Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D Convolution1DTranspose Convolution2D
    Convolution2DTranspose Convolution3D Convolution3DTranspose Cos CosineDecay CosineDecayRestarts CosineSimilarity
    Cropping1D Cropping2D Cropping3D CuDNNGRU CuDNNLSTM Cumsum CutMix DTypePolicy DTypePolicyMap Dense DenseFeatures
    DepthwiseConv DepthwiseConv1D DepthwiseConv2D Dice Discretization Divide Dot Dropout ELU Einsum EinsumDense Elu
    Embedding Equal Equalization Erf Exp ExpandDims Expm1 ExponentialDecay F1Score FBetaScore FalseNegatives
    FalsePositives Flatten FlaxLayer Flip Float8QuantizationConfig FloatDTypePolicy Floor FloorDivide Ftrl Full
    FullLike Functional GPTQConfig GPTQDTypePolicy GRU GRUCell GRUV1 GRUV2 GaussianDropout GaussianNoise Gelu
    GetItem GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D
    GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D
    GlobalMaxPooling3D GlorotNormal GlorotUniform Greater GreaterEqual GroupNormalization GroupQueryAttention
    GroupedQueryAttention HardConcrete HardSigmoid HashedCrossing Hashing HeNormal HeUniform Hinge Huber Identity
    IdentityInitializer IndexLookup Initializer InputLayer InputSpec InstanceMethod Int4QuantizationConfig
    Int8QuantizationConfig IntegerLookup InverseTimeDecay IoU Isinf Isnan JaxLayer KLDivergence KerasTensor L1 L1L2
    L2 LSTM LSTMCell LSTMV1 LSTMV2 Lamb Lambda Layer LayerNormalization LeakyReLU LeakyRelu LearningRateSchedule
    LecunNormal LecunUniform LegacyOptimizerWarning Less LessEqual LinearModel Lion LocallyConnected1D
    LocallyConnected2D Log Log1p LogCosh LogCoshError LogSoftmax LogicalAnd LogicalNot LogicalOr Logsumexp Loss
    LossFunctionWrapper LossScaleOptimizer LossScaleOptimizerV1 LossScaleOptimizerV3 Masking MatMul Matmul Max
    MaxNorm MaxNumBoundingBoxes MaxPool MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D Maximum
    Mean MeanAbsoluteError MeanAbsolutePercentageError MeanIoU MeanMetricWrapper MeanRelativeError MeanSquaredError
    MeanSquaredLogarithmicError MeanTensor MelSpectrogram Merge Metric Min MinMaxNorm Minimum MixUp Mod Model
    MultiHeadAttention Multiply Muon Nadam Negative Network NoDependency NonNeg Norm Normalization Normalize
    NotEqual OneHot OneHotIoU OneHotMeanIoU Ones OnesLike Operation Optimizer OptimizerV2 Orthogonal
    OrthogonalInitializer OrthogonalRegularizer PReLU Pad PearsonCorrelation PeepholeLSTMCell Permute
    PiecewiseConstantDecay Pipeline Poisson Policy PolicyV1 PolynomialDecay Power Precision PrecisionAtRecall
    PreprocessingLayer Prod PyMetric QuantizationConfig QuantizedDTypePolicy QuantizedFloat8DTypePolicy Quantizer
    R2Score RMSNormalization RMSprop RNN RadialConstraint RaggedTensorSpec RandAugment RandomBrightness
    RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop RandomElasticTransform RandomErasing
    RandomFlip RandomFourierFeatures RandomGaussianBlur RandomGrayscale RandomHeight RandomHue RandomInvert
    RandomNormal RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear
    RandomTranslation RandomUniform RandomWidth RandomZoom ReLU Recall RecallAtPrecision Reciprocal Reduction
    ReductionV2 Regularizer Relu Relu6 Repeat RepeatVector Rescaling Reshape Resize Resizing ReversibleEmbedding
    Roll RootMeanSquaredError Round Rsqrt SGD STFT STFTInitializer STFTSpectrogram ScatterUpdate SeedGenerator Selu
    SensitivityAtSpecificity SeparableConv SeparableConv1D SeparableConv2D SeparableConvolution1D
    SeparableConvolution2D SequenceFeatures Sequential SharpnessAwareMinimization Sigmoid Sign Silu SimpleRNN
    SimpleRNNCell Sin Slice SliceUpdate SlicingOpLambda Softmax Softplus Solarization Sort SparseCategoricalAccuracy
    SparseCategoricalCrossentropy SparseTopKCategoricalAccuracy SpatialDropout1D SpatialDropout2D SpatialDropout3D
    SpecificityAtSensitivity SpectralNormalization Split Sqrt Square SquaredHinge Squeeze Stack StackedRNNCells Std
    StopGradient StringLookup Subtract Sum SumOverBatchSizeMetricWrapper SyncBatchNormalization TFOpLambda TFSMLayer
    Take TakeAlongAxis Tanh TensorFlowOpLayer TensorShape TensorSpec Tensordot TextVectorization ThresholdedReLU
    Tile TimeDistributed TopK TopKCategoricalAccuracy TorchModuleWrapper Transpose TrueDivide TrueNegatives
    TruePositives TruncatedNormal Tversky TypeSpec UnifiedGRU UnifiedLSTM UnitNorm UnitNormalization UpSampling1D
    UpSampling2D UpSampling3D Var VarianceScaling Where WideDeepModel Wrapper ZeroPadding1D ZeroPadding2D
    ZeroPadding3D Zeros ZerosLike abs_max_quantize add average binary_accuracy binary_crossentropy
    binary_focal_crossentropy categorical_accuracy categorical_crossentropy categorical_focal_crossentropy
    categorical_generalized_cross_entropy categorical_hinge celu circle clone_model compute_float8_amax_history
    compute_float8_scale concatenate concordance_correlation constant cosine_similarity ctc deserialize dice dot
    dtype_policy elu exponential fake_quant_with_min_max_vars gelu get get_layer_policy global_policy glorot_normal
    glorot_uniform glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh he_normal he_uniform hinge huber
    identity kl_divergence kld kullback_leibler_divergence l1 l1_l2 l2 leaky_relu lecun_normal lecun_uniform linear
    load_model log_cosh log_sigmoid log_softmax logcosh mae mape max_norm maximum mean_absolute_error
    mean_absolute_percentage_error mean_squared_error mean_squared_logarithmic_error min_max_norm minimum mish
    model_from_config model_from_json model_from_yaml mse msle multiply non_neg ones orthogonal
    orthogonal_regularizer pack_int4 pearson_correlation poisson quantize_and_dequantize radial_constraint
    random_normal random_uniform relu relu6 save_model selu serialize set_dtype_policy set_global_policy set_policy
    sigmoid silu soft_shrink softmax softplus softsign sparse_categorical_accuracy sparse_categorical_crossentropy
    sparse_plus sparse_sigmoid sparse_top_k_categorical_accuracy sparsemax squared_hinge squareplus stft subtract
    swish tanh tanh_shrink threshold top_k_categorical_accuracy truncated_normal tversky unit_norm unpack_int4
    variance_scaling zeros
    """.split()  # noqa: SIM905  one to a line would be six hundred lines
)
"""Classes of layers, models, initializers, losses and the like, and of the ops that Keras 3 puts into a model; functions."""
