using Xunit;

namespace Handwritten.Kernels.Tests;

/// <summary>Tests that measure the process itself: they run one after the other, when all others are done.</summary>
[CollectionDefinition(nameof(QuietProcess), DisableParallelization = true)]
public class QuietProcess;
