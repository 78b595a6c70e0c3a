/// A way of predicting numbers from encodings.
public enum Regressor: String, CaseIterable, Sendable {
    /// Least squares with an intercept: `LinearRegressor`.
    case linear
    /// Kernel ridge regression, its penalty and width by cross-validation: `KernelRidgeSearch`.
    case kernelRidge = "kernel_ridge"
    /// A network of one hidden layer: `MultilayerPerceptronRegressor`.
    case multilayerPerceptron = "mlp"

    /// As a table names it.
    package var title: String {
        switch self {
        case .linear: "linear"
        case .kernelRidge: "kernel ridge"
        case .multilayerPerceptron: "MLP"
        }
    }
}
