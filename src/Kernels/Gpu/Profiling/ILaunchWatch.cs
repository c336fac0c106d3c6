namespace Handwritten.Kernels.Gpu.Profiling;

/// <summary>Looks on as kernels are launched. On the launching thread; may queue work of its own on the device's stream.</summary>
internal interface ILaunchWatch
{
    /// <summary>A kernel is about to be launched.</summary>
    void BeforeLaunch();

    /// <summary>It is launched, and has not run yet as a rule.</summary>
    /// <param name="kernel">Its name: <c>LayerNormalization&lt;Float16&gt;.LayerNormKernel</c>.</param>
    void AfterLaunch(string kernel);
}
